/*
 * rows.c - the rows of memtop's table, and the call tree of one of them
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calltree.h"
#include "origins.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

struct grouping {
	enum rows_by by;
	const struct state *state;
	struct origins *origins;	/* of lines, functions and packages */
};

static const enum origins_by origin_kinds[] = {
	[ROWS_LINE] = ORIGINS_LINE, [ROWS_FUNCTION] = ORIGINS_FUNCTION, [ROWS_PACKAGE] = ORIGINS_PACKAGE,
};

static const char *const by_names[ROWS_N_BY] = { "line", "function", "package", "process", "thread" };
static const char *const sort_names[ROWS_N_SORTS] = { "own", "total", "count", "growth" };

const char *rows_by_name(enum rows_by by)
{
	return by_names[by];
}

const char *rows_sort_name(enum rows_sort sort)
{
	return sort_names[sort];
}

static bool by_stack(const struct grouping *g)
{
	return g->by < ROWS_PROCESS;
}

struct grouping *grouping_new(enum rows_by by, const struct state *s)
{
	struct grouping *g = xcalloc(1, sizeof *g);

	g->by = by;
	g->state = s;
	if (by_stack(g))
		g->origins = origins_new(origin_kinds[by], s->stacks);
	return g;
}

void grouping_free(struct grouping *g)
{
	if (!g)
		return;
	origins_free(g->origins);
	free(g);
}

/* Returns the key of a source's row: the number of its origin, its pid, or the number of its thread. */
static uint32_t origin_of(struct grouping *g, uint32_t source)
{
	const struct source *at = &g->state->sources[source];

	if (by_stack(g))
		return origins_of_stack(g->origins, at->stack);
	return g->by == ROWS_THREAD ? at->thread : threads_thread(g->state->threads, at->thread)->pid;
}

static char *text_of(const struct grouping *g, uint32_t origin)
{
	if (by_stack(g))
		return origins_text(g->origins, origin);
	if (g->by == ROWS_PROCESS)
		return xasprintf("process %u", origin);
	const struct thread *t = threads_thread(g->state->threads, origin);
	char *name = tool_printable(t->name), *text = xasprintf("%u/%u %s", t->pid, t->tid, name);
	free(name);
	return text;
}

/* ---------------------------------------------------------------- sums */

/* The rows while they are added up, by origin. */
struct sums {
	struct row *at;
	uint32_t *of;		/* by origin: its row + 1 */
	uint32_t *seen;		/* by origin: the last source + 1 with it on its stack */
	size_t n_of;
	uint32_t n;
	size_t cap;
};

/* Returns the row of an origin. Pids are not dense, so the rows of processes are searched. */
static struct row *row_of(const struct grouping *g, struct sums *s, uint32_t origin)
{
	uint32_t i = 0;

	if (g->by == ROWS_PROCESS) {
		while (i < s->n && s->at[i].origin != origin)
			i++;
	} else {
		size_t n = s->n_of;
		if (origin >= n) {
			s->n_of = (size_t)origin + origin / 2 + 64;
			s->of = xreallocarray(s->of, s->n_of, sizeof *s->of);
			s->seen = xreallocarray(s->seen, s->n_of, sizeof *s->seen);
			memset(s->of + n, 0, (s->n_of - n) * sizeof *s->of);
			memset(s->seen + n, 0, (s->n_of - n) * sizeof *s->seen);
		}
		i = s->of[origin] ? s->of[origin] - 1 : s->n;
	}
	if (i == s->n) {
		GROW(s->at, (size_t)s->n, s->cap);
		s->at[s->n++] = (struct row){ .origin = origin };
		if (g->by != ROWS_PROCESS)
			s->of[origin] = s->n;
	}
	return &s->at[i];
}

/* Adds the bytes to the total of each origin on the source's stack, once. */
static void add_totals(struct grouping *g, struct sums *s, uint32_t source, uint64_t bytes)
{
	uint32_t stack = g->state->sources[source].stack;

	if (!by_stack(g) || stack == 0) {
		row_of(g, s, origin_of(g, source))->total += bytes;
		return;
	}
	for (; stack; stack = stacks_stack(g->state->stacks, stack)->parent) {
		uint32_t origin = origins_of_stack(g->origins, stack);
		struct row *row = row_of(g, s, origin);
		if (s->seen[origin] != source + 1)
			row->total += bytes;
		s->seen[origin] = source + 1;
	}
}

static int compare(const struct row *a, const struct row *b, enum rows_sort sort)
{
	switch (sort) {
	case ROWS_TOTAL: return (a->total < b->total) - (a->total > b->total);
	case ROWS_COUNT: return (a->count < b->count) - (a->count > b->count);
	case ROWS_GROWTH: return (a->growth < b->growth) - (a->growth > b->growth);
	default: return (a->own < b->own) - (a->own > b->own);
	}
}

static int by_sort(const void *a, const void *b, void *sort)
{
	const struct row *x = a, *y = b;
	int r = compare(x, y, *(const enum rows_sort *)sort);

	r = r ? r : compare(x, y, ROWS_OWN);
	r = r ? r : compare(x, y, ROWS_TOTAL);
	return r ? r : (x->origin > y->origin) - (x->origin < y->origin);
}

/* Sets the texts of rows; removes those that hold nothing and have not changed, and those without the searched text. */
static void name_rows(const struct grouping *g, struct rows *r, const char *search)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct row *row = &r->at[i];
		if (!row->total && !row->growth && !row->count)
			continue;
		row->text = text_of(g, row->origin);
		if (strcasestr(row->text, search))
			r->at[n++] = *row;
		else
			free(row->text);
	}
	r->n = n;
}

struct rows rows_make(struct grouping *g, bool at_peak, enum rows_sort sort, const char *search)
{
	struct sums s = { 0 };
	struct rows r = { 0 };

	for (uint32_t i = 0; i < g->state->n_sources; i++) {
		struct amount now = state_at(g->state, i, at_peak);
		uint64_t marked = state_marked_bytes(g->state, i);
		if (!now.count && !marked)
			continue;
		struct row *row = row_of(g, &s, origin_of(g, i));
		row->own += now.bytes;
		row->count += now.count;
		row->growth += (long double)now.bytes - (long double)marked;
		r.bytes += now.bytes;
		add_totals(g, &s, i, now.bytes);
	}
	free(s.of);
	free(s.seen);
	r.at = s.at;
	r.n = s.n;
	name_rows(g, &r, search);
	if (r.n)
		qsort_r(r.at, r.n, sizeof *r.at, by_sort, &sort);
	return r;
}

void rows_clear(struct rows *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		free(r->at[i].text);
	free(r->at);
	*r = (struct rows){ 0 };
}

const char *rows_numbers(const struct row *row, char buf[ROWS_NUMBERS])
{
	char own[SIZE_TEXT], total[SIZE_TEXT], count[28], growth[SIZE_TEXT];
	long double g = row->growth;

	size_text(amount_rounded(g < 0 ? -g : g), growth);
	snprintf(buf, ROWS_NUMBERS, "%10s %10s %11s %*s%s  ", size_text(row->own, own), size_text(row->total, total),
		 count_text(row->count, count), 11 - (int)strlen(growth), g < 0 ? "-" : "", growth);
	return buf;
}

/* ---------------------------------------------------------------- the call tree of a row */

/* Marks the stacks that lead to the origin's sources: a stack is marked if one of its callees is. */
static bool *wanted_stacks(struct grouping *g, uint32_t origin, bool at_peak)
{
	bool *wanted = xcalloc(stacks_count(g->state->stacks), sizeof *wanted);

	for (uint32_t i = 0; i < g->state->n_sources; i++)
		if (state_at(g->state, i, at_peak).count && origin_of(g, i) == origin)
			for (uint32_t at = g->state->sources[i].stack; at && !wanted[at];
			     at = stacks_stack(g->state->stacks, at)->parent)
				wanted[at] = true;
	return wanted;
}

static int by_bytes(uint32_t a, uint32_t b, void *tree)
{
	const struct call *x = calltree_call(tree, a), *y = calltree_call(tree, b);

	if (x->own[0] != y->own[0])
		return x->own[0] < y->own[0] ? 1 : -1;
	return (a > b) - (a < b);
}

static void add_line(struct rows *r, size_t *cap, const struct calltree *t, const struct call *call, unsigned depth)
{
	char *text = tool_printable(calltree_text(t, call->label));

	GROW(r->at, (size_t)r->n, *cap);
	r->at[r->n++] = (struct row){ .text = xasprintf("%*s%s", (int)(2 * depth), "", text), .total = call->own[0],
				      .count = call->own[1] };
	free(text);
}

/* A call includes its callees. Parents have smaller numbers. */
static void sum_up(struct calltree *t)
{
	for (uint32_t i = calltree_count(t); i-- > 1;) {
		const struct call *call = calltree_call(t, i);
		struct call *parent = calltree_call(t, call->parent);
		parent->own[0] += call->own[0];
		parent->own[1] += call->own[1];
	}
}

struct rows rows_tree(struct grouping *g, uint32_t origin, bool at_peak)
{
	struct stacks *stacks = g->state->stacks;
	struct calltree *t = calltree_new();
	struct rows r = { 0 };
	bool *wanted = wanted_stacks(g, origin, at_peak);
	uint32_t *node = calltree_add_stacks(t, stacks, g->by == ROWS_FUNCTION ? STACKS_FUNCTION : STACKS_LINE, wanted);
	size_t cap = 0;

	for (uint32_t i = 0; i < g->state->n_sources; i++) {
		struct amount a = state_at(g->state, i, at_peak);
		if (!a.count || origin_of(g, i) != origin)
			continue;
		struct call *call = calltree_call(t, node[g->state->sources[i].stack]);
		call->own[0] += a.bytes;
		call->own[1] += a.count;
		r.bytes += a.bytes;
	}
	sum_up(t);
	struct children children = calltree_children(t, by_bytes, t);
	uint32_t *walk = calltree_walk(t, &children), n = calltree_count(t);
	unsigned *depth = xcalloc(n, sizeof *depth);
	for (uint32_t i = 0; i + 1 < n; i++) {
		const struct call *call = calltree_call(t, walk[i]);
		depth[walk[i]] = call->parent ? depth[call->parent] + 1 : 0;
		if (call->own[1])
			add_line(&r, &cap, t, call, depth[walk[i]]);
	}
	free(depth);
	free(walk);
	free(children.first);
	free(children.order);
	free(node);
	free(wanted);
	calltree_free(t);
	return r;
}
