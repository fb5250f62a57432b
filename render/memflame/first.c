/*
 * first.c - the part of a large tree that its page draws at first
 *
 * Nodes with equal paths, once hidden frames are left out, are one box. A thin node that is certain to be the only
 * one of its box is left out at once, the others after they were joined, by the memory that they hold together.
 */
#include "first.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "package.h"
#include "xmalloc.h"

#define FEWEST 20000		/* nodes: smaller pages are read at once */
/* layout.js draws boxes from half a pixel on, and divides what is thinner from 280 pixels on; less, for rounding. */
#define THINNEST (1.0 / (2 * FIRST_WIDTH))
#define DIVIDED 270

/* ---------------------------------------------------------------- joining */

/* A tree whose labels are places of the whole one; a child with label 0 is the thin ones that were left out. */
struct joined {
	struct calltree *calls;
	uint32_t *smaller;	/* per node, the number of boxes left out */
	size_t n_smaller, cap_smaller;
};

struct joining {
	const struct tree *t;
	const bool *hidden;
	bool *hides_child;	/* per node */
	bool *alone;		/* per node of t: it is the only one of its box */
	uint64_t *total;	/* bytes */
	uint64_t thinnest;
	uint32_t *node_of;	/* per node of t, its node in the joined tree */
	uint32_t *shown;	/* per node of t, the place of its nearest shown caller, or its own */
	bool *left_out;		/* per node of t: it is in a thin one */
	struct joined joined;
};

static uint64_t *bytes_of(const struct calltree *calls)
{
	uint32_t n = calltree_count(calls);
	uint64_t *total = xmalloc(n * sizeof *total);

	for (uint32_t i = 0; i < n; i++)
		total[i] = calltree_call((struct calltree *)calls, i)->own[OWN_BYTES];
	for (uint32_t i = n - 1; i > 0; i--)
		total[calltree_call((struct calltree *)calls, i)->parent] += total[i];
	return total;
}

static uint32_t child_of(struct joined *j, uint32_t parent, uint32_t place)
{
	uint32_t child = calltree_child(j->calls, parent, place);

	GROW_ZEROED(j->smaller, child, j->n_smaller, j->cap_smaller);
	return child;
}

/* Finds the joined node of node i, whose caller's is known. */
static void join_node(struct joining *g, uint32_t i)
{
	const struct call *call = calltree_call(g->t->calls, i);
	uint32_t caller = g->node_of[call->parent];

	g->shown[i] = g->hidden[i] ? g->shown[call->parent] : call->label;
	g->alone[i] = !g->hidden[i] && g->alone[call->parent] && !g->hides_child[call->parent];
	g->left_out[i] = g->left_out[call->parent];
	if (g->left_out[i] || g->hidden[i] || !g->total[i]) {
		g->node_of[i] = caller;
	} else if (g->total[i] < g->thinnest && g->alone[i]) {
		g->left_out[i] = true;
		g->node_of[i] = child_of(&g->joined, caller, 0);
		g->joined.smaller[g->node_of[i]]++;
	} else {
		g->node_of[i] = child_of(&g->joined, caller, call->label);
	}
}

/* Returns the joined tree, and adds up the memory of packages. */
static struct joined join(const struct tree *t, bool processes, uint64_t *of_package)
{
	uint32_t n = calltree_count(t->calls);
	bool *hidden = hidden_nodes(t, processes);
	struct joining g = {
		.t = t,
		.hidden = hidden,
		.hides_child = xcalloc(n, sizeof *g.hides_child),
		.alone = xcalloc(n, sizeof *g.alone),
		.total = bytes_of(t->calls),
		.thinnest = (uint64_t)((double)t->bytes * THINNEST),
		.node_of = xcalloc(n, sizeof *g.node_of),
		.shown = xcalloc(n, sizeof *g.shown),
		.left_out = xcalloc(n, sizeof *g.left_out),
		.joined = { .calls = calltree_new() },
	};

	g.alone[0] = true;
	for (uint32_t i = 1; i < n; i++)
		if (hidden[i])
			g.hides_child[calltree_call(t->calls, i)->parent] = true;
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t *own = calltree_call(t->calls, i)->own;
		if (i)
			join_node(&g, i);
		uint64_t *sum = calltree_call(g.joined.calls, g.node_of[i])->own;
		sum[OWN_BYTES] += own[OWN_BYTES];
		sum[OWN_COUNT] += own[OWN_COUNT];
		if (g.shown[i])
			of_package[t->places[g.shown[i]].package] += own[OWN_BYTES];
	}
	free(hidden);
	free(g.hides_child);
	free(g.alone);
	free(g.total);
	free(g.node_of);
	free(g.shown);
	free(g.left_out);
	return g.joined;
}

/* ---------------------------------------------------------------- the tree of the page */

/* Adds the places that occur in kept nodes, in the page's order; returns their numbers in v->tree. */
static uint32_t *add_places(struct first_view *v, const struct tree *t, const struct joined *j, const bool *kept,
			    const uint32_t *order)
{
	uint32_t *number = xcalloc(t->n_places, sizeof *number);
	const struct texts *text = &t->text;

	for (uint32_t i = 1; i < calltree_count(j->calls); i++)
		if (kept[i])
			number[calltree_call(j->calls, i)->label] = 1;
	for (uint32_t i = 1; i < t->n_places; i++) {
		struct place place = t->places[order[i]];
		uint32_t *texts[] = { &place.name, &place.file, &place.module, &place.package };
		if (!number[order[i]])
			continue;
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
			struct mt_str own = texts_text(text, *texts[k]);
			*texts[k] = texts_number(&v->tree.text, own.p, own.n);
		}
		place.source = place.before = 0;
		number[order[i]] = tree_place(&v->tree, &place);
	}
	return number;
}

/* Adds the nodes that are wide enough, and below each a node for its thin children. */
static void add_nodes(struct first_view *v, const struct joined *j, const uint64_t *total, const bool *kept,
		      const uint32_t *number)
{
	uint32_t n = calltree_count(j->calls);
	uint32_t *node_of = xcalloc(n, sizeof *node_of);

	/* At most one for each. */
	v->smaller = xcalloc(n, sizeof *v->smaller);
	for (uint32_t i = 0; i < n; i++) {
		const struct call *call = calltree_call(j->calls, i);
		uint32_t caller = node_of[call->parent];
		if (i && kept[call->parent] && total[i])
			node_of[i] = calltree_child(v->tree.calls, caller, kept[i] ? number[call->label] : 0);
		else
			node_of[i] = caller;
		if (i && kept[call->parent] && total[i] && !kept[i])
			v->smaller[node_of[i]] += call->label ? 1 : j->smaller[i];
		if (!tree_add(&v->tree, node_of[i], call->own[OWN_BYTES], call->own[OWN_COUNT]))
			BUG("a part is larger than the whole");
	}
	free(node_of);
}

static int by_rising_total(uint32_t x, uint32_t y, void *arg)
{
	const uint64_t *total = arg;

	if (total[x] != total[y])
		return total[x] < total[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Whether the thin children of each node are one box on every graph up to that width: the page divides wide ones. */
static bool is_undivided(const struct first_view *v)
{
	uint64_t *total = bytes_of(v->tree.calls);
	struct children c = calltree_children(v->tree.calls, by_rising_total, total);
	bool undivided = true;

	for (uint32_t i = 0; i < calltree_count(v->tree.calls); i++) {
		double sum = 0;
		for (uint32_t k = c.first[i]; k < c.first[i + 1]; k++)
			if (v->smaller[c.order[k]])
				sum = (double)total[c.order[k]];
		if (sum * FIRST_WIDTH >= (double)v->tree.bytes * DIVIDED)
			undivided = false;
		/* On a graph just too narrow for a child, it and all that are thinner are one box. */
		for (uint32_t k = c.first[i]; sum > 0 && k < c.first[i + 1]; k++) {
			if (v->smaller[c.order[k]])
				continue;
			sum += (double)total[c.order[k]];
			if (sum >= 2.0 * DIVIDED * (double)total[c.order[k]])
				undivided = false;
		}
	}
	free(total);
	free(c.first);
	free(c.order);
	return undivided;
}

bool first_view_make(struct first_view *v, const struct tree *t, const struct page *page, const uint32_t *order)
{
	*v = (struct first_view){ 0 };
	if (calltree_count(t->calls) < FEWEST || t->difference || page->inverted || !t->bytes)
		return false;
	v->of_package = xcalloc(texts_count(&t->text), sizeof *v->of_package);
	struct joined j = join(t, page->processes, v->of_package);
	uint32_t n = calltree_count(j.calls);
	uint64_t *total = bytes_of(j.calls), thinnest = (uint64_t)((double)t->bytes * THINNEST);
	bool *kept = xcalloc(n, sizeof *kept);

	kept[0] = true;
	for (uint32_t i = 1; i < n; i++) {
		const struct call *call = calltree_call(j.calls, i);
		kept[i] = kept[call->parent] && call->label && total[i] && total[i] >= thinnest;
	}
	tree_init(&v->tree);
	uint32_t *number = add_places(v, t, &j, kept, order);
	add_nodes(v, &j, total, kept, number);
	v->tree.stacks = t->stacks;
	free(number);
	free(kept);
	free(total);
	free(j.smaller);
	calltree_free(j.calls);
	if (is_undivided(v))
		return true;
	first_view_clear(v);
	return false;
}

void first_view_clear(struct first_view *v)
{
	tree_clear(&v->tree);
	free(v->smaller);
	free(v->of_package);
	*v = (struct first_view){ 0 };
}
