/*
 * found.c - the blocks of a type that a census of each process found alive
 */
#include "found.h"

#include <stdlib.h>
#include <string.h>

#include "pids.h"
#include "texts.h"
#include "xmalloc.h"

struct one {
	struct mt_event alloc;
	uint64_t addr;
	uint32_t type;
};

struct process {
	struct mt_event census;		/* its info is a copy */
	char *info;
	uint64_t number;		/* of the census, from 1 on */
	struct one *at;
	size_t n, cap;
};

struct found {
	uint64_t wanted;		/* the number of a census; 0: the last */
	struct process *at;
	size_t n, cap;
	struct pids pids;		/* their places */
	struct texts types;
};

struct found *found_new(uint64_t wanted)
{
	struct found *f = xcalloc(1, sizeof *f);

	f->wanted = wanted;
	return f;
}

static void empty(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->at[i].info);
		free(f->at[i].at);
	}
	f->n = 0;
	pids_clear(&f->pids);
	texts_clear(&f->types);
}

void found_free(struct found *f)
{
	empty(f);
	free(f->at);
	free(f);
}

void found_begin(struct found *f, const struct mt_event *census)
{
	uint32_t *place = pids_number(&f->pids, census->pid);

	if (*place == PIDS_NONE) {
		*place = (uint32_t)f->n;
		GROW(f->at, f->n, f->cap);
		f->at[f->n++] = (struct process){ 0 };
	}
	struct process *p = &f->at[*place];
	if (f->wanted && p->number++ >= f->wanted)
		return;
	free(p->info);
	p->info = xmalloc(census->info.n + 1);
	memcpy(p->info, census->info.p, census->info.n);
	p->census = *census;
	p->census.info.p = p->info;
	p->n = 0;
}

void found_add(struct found *f, uint32_t pid, const struct mt_event *alloc, const struct census_entry *e)
{
	uint32_t place = *pids_number(&f->pids, pid);

	if (place == PIDS_NONE)
		return;		/* rows without a census */
	struct process *p = &f->at[place];
	if (f->wanted && p->number != f->wanted)
		return;
	GROW(p->at, p->n, p->cap);
	p->at[p->n++] = (struct one){ *alloc, e->addr, texts_number(&f->types, e->type.p, e->type.n) };
}

/* ---------------------------------------------------------------- writing */

static int by_time(const void *a, const void *b)
{
	const struct mt_event *x = &((const struct one *)a)->alloc, *y = &((const struct one *)b)->alloc;

	return x->time_ms != y->time_ms ? (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms) :
					  (x->id > y->id) - (x->id < y->id);
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct one *)a)->addr, y = ((const struct one *)b)->addr;

	return (x > y) - (x < y);
}

static int put_row(const struct process *p, struct census_row *row, struct mt_out *out)
{
	struct mt_event ev = { .kind = MT_BLOCKS, .pid = p->census.pid, .time_ms = p->census.time_ms };

	if (!row->n)
		return 0;
	ev.info = census_row_done(row);
	int r = mt_put(out, &ev);
	census_row_begin(row);
	return r;
}

static int put_census(const struct found *f, struct process *p, struct mt_out *out)
{
	struct census_row row;
	int r = mt_put(out, &p->census);

	if (p->n)
		qsort(p->at, p->n, sizeof *p->at, by_address);
	census_row_init(&row);
	for (size_t i = 0; i < p->n && r == 0; i++) {
		census_row_add(&row, p->at[i].addr, p->at[i].alloc.id, texts_text(&f->types, p->at[i].type));
		if (row.n == CENSUS_ROW_BLOCKS)
			r = put_row(p, &row, out);
	}
	r = r ? r : put_row(p, &row, out);
	census_row_clear(&row);
	return r;
}

int found_put(struct found *f, struct mt_out *out)
{
	int r = 0;

	for (size_t i = 0; i < f->n && r == 0; i++) {
		struct process *p = &f->at[i];
		if (p->number < f->wanted)
			continue;
		if (p->n)
			qsort(p->at, p->n, sizeof *p->at, by_time);
		for (size_t k = 0; k < p->n && r == 0; k++)
			r = mt_put(out, &p->at[k].alloc);
		r = r ? r : put_census(f, p, out);
	}
	empty(f);
	return r;
}
