/*
 * rows.c - the changes between two inputs, by stack or by location
 */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- stacks as text */

size_t rows_path(struct calltree *t, uint32_t node, uint32_t **path, size_t *cap)
{
	size_t n = 0;

	for (; node; node = calltree_call(t, node)->parent) {
		GROW(*path, n, *cap);
		(*path)[n++] = node;
	}
	return n;
}

char *rows_stack(struct calltree *t, uint32_t node)
{
	uint32_t *path = NULL;
	size_t cap = 0, n = rows_path(t, node, &path, &cap), size = 0;

	for (size_t i = 0; i < n; i++)
		size += strlen(calltree_text(t, calltree_call(t, path[i])->label)) + 1;
	char *text = xmalloc(size + 1), *p = text;
	for (size_t i = n; i-- > 0; ) {
		p = stpcpy(p, calltree_text(t, calltree_call(t, path[i])->label));
		if (i)
			*p++ = ';';
	}
	free(path);
	return text;
}

/* ---------------------------------------------------------------- changes */

const char *rows_what(const struct diff *d, bool whole_stacks)
{
	return d->types ? "type" : whole_stacks ? "stack" : "location";
}

uint64_t rows_distance(const struct row *r)
{
	return r->after > r->before ? r->after - r->before : r->before - r->after;
}

static int by_change(const void *a, const void *b)
{
	const struct row *p = a, *q = b;
	uint64_t x = rows_distance(p), y = rows_distance(q);

	return x != y ? (x < y) - (x > y) : (p->node > q->node) - (p->node < q->node);
}

struct rows rows_of_stacks(const struct diff *d)
{
	struct rows r = { .at = xcalloc(calltree_count(d->calls), sizeof *r.at) };

	for (uint32_t i = 1; i < calltree_count(d->calls); i++) {
		const struct call *c = calltree_call(d->calls, i);
		if (c->own[BEFORE] || c->own[AFTER])
			r.at[r.n++] = (struct row){ .node = i, .before = c->own[BEFORE], .after = c->own[AFTER] };
	}
	return r;
}

struct rows rows_of_locations(const struct diff *d)
{
	struct rows stacks = rows_of_stacks(d), r = { .at = xcalloc(stacks.n + 1, sizeof *r.at) };
	uint32_t *row_of = NULL;	/* by label: number + 1 */
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < stacks.n; i++) {
		uint32_t label = calltree_call(d->calls, stacks.at[i].node)->label;
		while (n <= label) {
			GROW(row_of, n, cap);
			row_of[n++] = 0;
		}
		if (!row_of[label]) {
			row_of[label] = ++r.n;
			r.at[r.n - 1].node = stacks.at[i].node;
		}
		r.at[row_of[label] - 1].before += stacks.at[i].before;
		r.at[row_of[label] - 1].after += stacks.at[i].after;
	}
	free(row_of);
	free(stacks.at);
	return r;
}

uint32_t rows_sort(struct rows *r)
{
	uint32_t changed = 0;

	qsort(r->at, r->n, sizeof *r->at, by_change);
	while (changed < r->n && rows_distance(&r->at[changed]))
		changed++;
	return changed;
}

const char *rows_number(const struct diff *d, uint64_t value, char buf[NUMBER_TEXT])
{
	return d->count ? count_text(value, buf) : size_text(value, buf);
}

const char *rows_change(const struct diff *d, uint64_t before, uint64_t after, char buf[CHANGE_TEXT])
{
	bool grew = after > before;

	rows_number(d, grew ? after - before : before - after, buf + 1);
	buf[0] = grew ? '+' : '-';
	return before == after ? buf + 1 : buf;
}
