/*
 * graph.c - dominators and shortest paths
 */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---------------------------------------------------------------- shortest paths */

struct search {
	struct graph *g;
	const bool *doubtful;
	uint32_t *queue, head, tail;
	uint32_t *late, late_head, late_tail;	/* doubtful nodes */
};

static void reach(struct search *s, const struct graph_edge *edge, uint32_t from)
{
	struct graph *g = s->g;

	if (edge->to == GRAPH_ROOT || g->parent[edge->to] != GRAPH_NONE)
		return;
	g->parent[edge->to] = from;
	g->parent_label[edge->to] = edge->label;
	if (s->doubtful[edge->to])
		s->late[s->late_tail++] = edge->to;
	else
		s->queue[s->tail++] = edge->to;
}

static void follow(struct search *s, uint32_t from)
{
	for (size_t e = s->g->first[from]; e < s->g->first[from + 1]; e++)
		reach(s, &s->g->edges[e], from);
}

static void follow_all(struct search *s)
{
	while (s->head < s->tail)
		follow(s, s->queue[s->head++]);
}

/* Breadth first: the roots of one rank, and all that can be reached from them, before those of the next. */
static void find_paths(struct graph *g, const uint8_t *rank, unsigned ranks, const bool *doubtful)
{
	struct search s = { .g = g, .doubtful = doubtful };

	s.queue = xcalloc(g->n, sizeof *s.queue);
	s.late = xcalloc(g->n, sizeof *s.late);
	for (unsigned r = 0; r < ranks; r++) {
		for (size_t e = g->first[GRAPH_ROOT]; e < g->first[GRAPH_ROOT + 1]; e++)
			if (rank[e - g->first[GRAPH_ROOT]] == r)
				reach(&s, &g->edges[e], GRAPH_ROOT);
		follow_all(&s);
	}
	while (s.late_head < s.late_tail) {
		follow(&s, s.late[s.late_head++]);
		follow_all(&s);
	}
	free(s.queue);
	free(s.late);
}

/* ---------------------------------------------------------------- dominators */

struct dominators {
	struct graph *g;
	uint32_t *number;		/* of a node, in depth-first order; GRAPH_NONE: not reached */
	uint32_t *node;			/* by number */
	uint32_t *tree;			/* by number: the number of its parent in the depth-first tree */
	uint32_t *ancestor, *label, *semi, *idom;	/* by number */
	uint32_t n;
	uint32_t *path;			/* for compress() */
};

static void search_depth(struct dominators *d)
{
	const struct graph *g = d->g;
	size_t *next = xcalloc(g->n, sizeof *next);	/* by number: the edge to follow next */
	uint32_t depth = 0, *stack = xcalloc(g->n, sizeof *stack);

	d->number[GRAPH_ROOT] = 0;
	d->node[0] = GRAPH_ROOT;
	d->n = 1;
	next[0] = g->first[GRAPH_ROOT];
	stack[depth++] = 0;
	while (depth) {
		uint32_t at = stack[depth - 1];
		if (next[at] == g->first[d->node[at] + 1]) {
			depth--;
			continue;
		}
		uint32_t to = g->edges[next[at]++].to;
		if (d->number[to] != GRAPH_NONE)
			continue;
		uint32_t number = d->n++;
		d->number[to] = number;
		d->node[number] = to;
		d->tree[number] = at;
		next[number] = g->first[to];
		stack[depth++] = number;
	}
	free(next);
	free(stack);
}

/* Returns the number with the least semidominator on the way from v up to its root in the forest, and shortens that. */
static uint32_t evaluate(struct dominators *d, uint32_t v)
{
	uint32_t n = 0;

	if (d->ancestor[v] == GRAPH_NONE)
		return v;
	for (uint32_t at = v; d->ancestor[d->ancestor[at]] != GRAPH_NONE; at = d->ancestor[at])
		d->path[n++] = at;
	while (n) {
		uint32_t at = d->path[--n], up = d->ancestor[at];
		if (d->semi[d->label[up]] < d->semi[d->label[at]])
			d->label[at] = d->label[up];
		d->ancestor[at] = d->ancestor[up];
	}
	return d->label[v];
}

/* The references to each node, by number. */
struct backward {
	size_t *first;
	uint32_t *from;
};

static struct backward turn_around(const struct dominators *d)
{
	const struct graph *g = d->g;
	struct backward b = { .first = xcalloc((size_t)d->n + 2, sizeof *b.first) };
	size_t n = 0;

	for (uint32_t v = 0; v < d->n; v++)
		for (size_t e = g->first[d->node[v]]; e < g->first[d->node[v] + 1]; e++, n++)
			b.first[d->number[g->edges[e].to] + 2]++;
	b.from = xcalloc(n + 1, sizeof *b.from);
	for (uint32_t v = 0; v < d->n; v++)
		b.first[v + 1] += b.first[v];
	for (uint32_t v = 0; v < d->n; v++)
		for (size_t e = g->first[d->node[v]]; e < g->first[d->node[v] + 1]; e++)
			b.from[b.first[d->number[g->edges[e].to] + 1]++] = v;
	return b;
}

static void dominate(struct dominators *d)
{
	struct backward b = turn_around(d);

	for (uint32_t v = 0; v < d->n; v++) {
		d->ancestor[v] = GRAPH_NONE;
		d->label[v] = d->semi[v] = v;
		d->idom[v] = d->tree[v];
	}
	for (uint32_t v = d->n; v-- > 1;) {
		for (size_t e = b.first[v]; e < b.first[v + 1]; e++) {
			uint32_t u = d->semi[evaluate(d, b.from[e])];
			if (u < d->semi[v])
				d->semi[v] = u;
		}
		d->ancestor[v] = d->tree[v];
	}
	for (uint32_t v = 1; v < d->n; v++)
		while (d->idom[v] > d->semi[v])
			d->idom[v] = d->idom[d->idom[v]];
	free(b.first);
	free(b.from);
}

/* Numbers are in depth-first order, so a dominator has a lower one. */
static void add_up(struct dominators *d)
{
	struct graph *g = d->g;

	for (uint32_t v = 0; v < d->n; v++) {
		g->order[v] = d->node[v];
		g->retained[d->node[v]] = g->size[d->node[v]];
		if (v)
			g->dominator[d->node[v]] = d->node[d->idom[v]];
	}
	for (uint32_t v = d->n; v-- > 1;)
		g->retained[d->node[d->idom[v]]] += g->retained[d->node[v]];
	g->n_order = d->n;
}

static uint32_t *numbers(uint32_t n)
{
	uint32_t *p = xcalloc((size_t)n + 1, sizeof *p);

	memset(p, 0xff, ((size_t)n + 1) * sizeof *p);	/* GRAPH_NONE */
	return p;
}

void graph_solve(struct graph *g, const uint8_t *rank, unsigned ranks, const bool *doubtful)
{
	struct dominators d = { .g = g };
	uint32_t **const arrays[] = { &d.number, &d.node, &d.tree, &d.ancestor, &d.label, &d.semi, &d.idom, &d.path };

	g->parent = numbers(g->n);
	g->parent_label = xcalloc((size_t)g->n + 1, sizeof *g->parent_label);
	g->dominator = numbers(g->n);
	g->order = numbers(g->n);
	g->retained = xcalloc((size_t)g->n + 1, sizeof *g->retained);
	find_paths(g, rank, ranks, doubtful);
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		*arrays[i] = numbers(g->n);
	search_depth(&d);
	dominate(&d);
	add_up(&d);
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		free(*arrays[i]);
}

void graph_clear(struct graph *g)
{
	free(g->size);
	free(g->edges);
	free(g->first);
	free(g->parent);
	free(g->parent_label);
	free(g->dominator);
	free(g->retained);
	free(g->order);
	*g = (struct graph){ 0 };
}
