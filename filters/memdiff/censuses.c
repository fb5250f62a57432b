/*
 * censuses.c - what two censuses found alive, by type
 */
#include "censuses.h"

#include <stdlib.h>

#include "alive.h"
#include "census_rows.h"
#include "error.h"
#include "folded.h"
#include "pids.h"
#include "provenance.h"
#include "replay.h"
#include "rows.h"
#include "tool.h"
#include "xmalloc.h"

/* Bytes or allocations by node. */
struct sums {
	uint64_t *at;
	size_t n, cap;
};

struct process {
	uint64_t censuses, blocks;
	struct sums first, last;
};

struct reading {
	struct live *live;
	struct calltree *calls;
	bool count;
	struct process *at;		/* of this trace and those before it */
	size_t n, cap;
	struct pids pids;		/* the places of those of this trace */
};

static void add(struct sums *s, uint32_t node, uint64_t n)
{
	while (s->n <= node) {
		GROW(s->at, s->n, s->cap);
		s->at[s->n++] = 0;
	}
	s->at[node] += n;
}

static struct process *process_of(struct reading *r, uint32_t pid)
{
	uint32_t *place = pids_number(&r->pids, pid);

	if (*place == PIDS_NONE) {
		*place = (uint32_t)r->n;
		GROW(r->at, r->n, r->cap);
		r->at[r->n++] = (struct process){ 0 };
	}
	return &r->at[*place];
}

static uint32_t node_of(struct reading *r, struct mt_str type)
{
	if (!type.n)
		type = (struct mt_str){ ALIVE_NO_TYPE, sizeof ALIVE_NO_TYPE - 1 };
	return calltree_child(r->calls, 0, calltree_label(r->calls, type.p, type.n));
}

static void add_blocks(struct reading *r, const struct mt_event *ev)
{
	struct process *p = process_of(r, ev->pid);
	struct census_reading reading;
	struct census_entry e;
	struct block b;

	census_reading_begin(&reading, ev->info);
	uint32_t *nodes = xcalloc(reading.n_names + 1, sizeof *nodes);
	while (p->censuses && census_reading_next(&reading, &e)) {
		if (!live_find(r->live, e.id, &b) || b.thread != ev->pid)
			continue;
		uint32_t *node = &nodes[e.type_number];
		if (!*node)
			*node = node_of(r, e.type);
		uint64_t amount = r->count ? b.weight : b.weight * b.size;
		if (p->censuses == 1)
			add(&p->first, *node, amount);
		add(&p->last, *node, amount);
		p->blocks++;
	}
	free(nodes);
	census_reading_clear(&reading);
}

static void take(struct reading *r, const struct mt_event *ev)
{
	replay_blocks(r->live, ev, 0);
	if (ev->kind == MT_HEADER)
		pids_clear(&r->pids);
	else if (ev->kind == MT_CENSUS) {
		struct process *p = process_of(r, ev->pid);
		p->censuses++;
		p->last.n = 0;
	} else if (ev->kind == MT_BLOCKS)
		add_blocks(r, ev);
}

static void put(struct calltree *t, int which, const struct sums *s, struct side *side)
{
	for (uint32_t i = 0; i < s->n; i++) {
		calltree_call(t, i)->own[which] += s->at[i];
		side->total += s->at[i];
	}
}

static void check(const struct reading *r, bool two, const char *name)
{
	uint64_t most = 0, blocks = 0;

	for (size_t i = 0; i < r->n; i++) {
		most = r->at[i].censuses > most ? r->at[i].censuses : most;
		blocks += r->at[i].blocks;
	}
	if (!most)
		die("%s has no census: record it with 'memrec --census', or call memrec.census() in the program", name);
	if (!blocks)
		die("%s: none of the blocks in its census is there: filters that leave out frees, such as memleak, "
		    "must not come first", name);
	if (two && most == 1)
		die("%s has one census: call memrec.census() earlier in the program, too, or give another trace", name);
}

int censuses_read(struct side *side, struct side *first, const char *path, struct calltree *t, int which, bool count)
{
	struct folded *f = folded_open(path);
	struct reading r = { .live = live_new(), .calls = t, .count = count };
	struct mt_event ev;

	*side = (struct side){ .name = folded_name(f) };
	if (!folded_is_trace(f))
		die("%s is no trace: types are compared by the censuses of traces", side->name);
	struct mt_in *in = folded_trace(f);
	mt_in_memory_only(in);
	side->title = provenance_title(mt_in_header(in), "alive at the last census");
	if (first) {
		*first = (struct side){ .name = side->name };
		first->title = provenance_title(mt_in_header(in), "alive at the first census");
	}
	while (mt_next(in, &ev) > 0)
		take(&r, &ev);
	check(&r, first != NULL, side->name);
	for (size_t i = 0; i < r.n; i++) {
		put(t, which, &r.at[i].last, side);
		if (first)
			put(t, BEFORE, &r.at[i].first, first);
		free(r.at[i].first.at);
		free(r.at[i].last.at);
	}
	free(r.at);
	pids_clear(&r.pids);
	live_free(r.live);
	return tool_finish(in, NULL);
}
