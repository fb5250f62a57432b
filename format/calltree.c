/*
 * calltree.c - a tree of calls by the labels of their frames
 */
#include "calltree.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "texts.h"
#include "xmalloc.h"

struct calltree {
	struct call *calls;
	uint32_t n;
	size_t cap;
	struct index index;	/* of all nodes except the root */
	struct texts labels;
};

struct calltree *calltree_new(void)
{
	struct calltree *t = xcalloc(1, sizeof *t);

	GROW(t->calls, (size_t)t->n, t->cap);
	t->calls[t->n++] = (struct call){ 0 };
	return t;
}

void calltree_free(struct calltree *t)
{
	if (!t)
		return;
	texts_clear(&t->labels);
	index_clear(&t->index);
	free(t->calls);
	free(t);
}

uint32_t calltree_label(struct calltree *t, const char *text, size_t n)
{
	return texts_number(&t->labels, text, n);
}

const char *calltree_text(const struct calltree *t, uint32_t label)
{
	return texts_text(&t->labels, label).p;
}

static bool holds(const void *calls, uint32_t n, const void *key)
{
	const struct call *call = (const struct call *)calls + n, *wanted = key;

	return call->parent == wanted->parent && call->label == wanted->label;
}

uint32_t calltree_child(struct calltree *t, uint32_t parent, uint32_t label)
{
	struct call new = { .parent = parent, .label = label };
	uint32_t node = index_put(&t->index, index_hash(parent, label), holds, t->calls, &new, t->n);

	if (node == t->n) {
		GROW(t->calls, (size_t)node, t->cap);
		t->calls[t->n++] = new;
	}
	return node;
}

uint32_t calltree_count(const struct calltree *t)
{
	return t->n;
}

struct call *calltree_call(struct calltree *t, uint32_t node)
{
	return &t->calls[node];
}

uint32_t *calltree_add_stacks(struct calltree *t, struct stacks *s, enum stacks_detail detail, const bool *wanted)
{
	uint32_t n_frames = stacks_frame_count(s), n = stacks_count(s);
	uint32_t *labels = xcalloc(n_frames, sizeof *labels), *nodes = xcalloc(n, sizeof *nodes);

	for (uint32_t i = 0; i < n_frames; i++) {
		const char *text = stacks_label_by(s, i, detail);
		labels[i] = calltree_label(t, text, strlen(text));
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct stack *stack = stacks_stack(s, i);
		if (wanted && !wanted[i])
			continue;
		uint32_t parent = stack->parent ? nodes[stack->parent] : 0, label = labels[stack->frame];
		bool same_file = detail == STACKS_FILE && parent && t->calls[parent].label == label;
		nodes[i] = same_file ? parent : calltree_child(t, parent, label);
	}
	free(labels);
	return nodes;
}

/* ---------------------------------------------------------------- order */

/*
 * Sorts the n numbers of `in` by their keys, stably, into `out`; first[key] becomes the index where the key begins.
 * Counts are stored two places further on, so that filling `out` shifts them into place.
 */
static void counting_sort(const uint32_t *in, size_t n, const uint32_t *key, size_t n_keys, uint32_t *first,
			  uint32_t *out)
{
	memset(first, 0, (n_keys + 2) * sizeof *first);
	for (size_t i = 0; i < n; i++)
		first[key[in[i]] + 2]++;
	for (size_t k = 2; k < n_keys + 2; k++)
		first[k] += first[k - 1];
	for (size_t i = 0; i < n; i++)
		out[first[key[in[i]] + 1]++] = in[i];
}

/* Groups all nodes except the root by parent, keeping their order in `in`. */
static struct children by_parent(const struct calltree *t, const uint32_t *in)
{
	uint32_t *parent = xmalloc(t->n * sizeof *parent);
	struct children c = {
		.first = xcalloc((size_t)t->n + 2, sizeof *c.first),
		.order = xcalloc(t->n, sizeof *c.order),
	};

	for (size_t i = 0; i < t->n; i++)
		parent[i] = t->calls[i].parent;
	counting_sort(in, t->n - 1, parent, t->n, c.first, c.order);
	free(parent);
	return c;
}

static uint32_t *all_nodes(const struct calltree *t)
{
	uint32_t *nodes = xcalloc(t->n, sizeof *nodes);

	for (size_t i = 0; i < t->n; i++)
		nodes[i] = (uint32_t)i;
	return nodes;
}

struct sorter {
	int (*compare)(uint32_t a, uint32_t b, void *arg);
	void *arg;
};

static int by_caller(const void *a, const void *b, void *sorter)
{
	const struct sorter *s = sorter;

	return s->compare(*(const uint32_t *)a, *(const uint32_t *)b, s->arg);
}

struct children calltree_children(const struct calltree *t, int (*compare)(uint32_t a, uint32_t b, void *arg),
				  void *arg)
{
	struct sorter sorter = { compare, arg };
	uint32_t *nodes = all_nodes(t);
	struct children c = by_parent(t, nodes + 1);

	for (size_t p = 0; p < t->n; p++)
		qsort_r(c.order + c.first[p], c.first[p + 1] - c.first[p], sizeof *c.order, by_caller, &sorter);
	free(nodes);
	return c;
}

static int by_text(const void *a, const void *b, void *tree)
{
	const struct calltree *t = tree;

	return strcmp(calltree_text(t, *(const uint32_t *)a), calltree_text(t, *(const uint32_t *)b));
}

/* Returns the rank of each label's text in alphabetical order. */
static uint32_t *ranks(const struct calltree *t)
{
	uint32_t n = texts_count(&t->labels);
	uint32_t *sorted = xmalloc(n * sizeof *sorted), *rank = xmalloc(n * sizeof *rank);

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = i;
	qsort_r(sorted, n, sizeof *sorted, by_text, (void *)t);
	for (uint32_t i = 0; i < n; i++)
		rank[sorted[i]] = i;
	free(sorted);
	return rank;
}

/* Sorts by the labels' ranks first, then stably by parent. */
struct children calltree_children_by_text(const struct calltree *t)
{
	uint32_t *rank = ranks(t), *nodes = all_nodes(t), *key = xcalloc(t->n, sizeof *key);
	uint32_t n_labels = texts_count(&t->labels);
	uint32_t *first = xmalloc(((size_t)n_labels + 2) * sizeof *first), *sorted = xmalloc(t->n * sizeof *sorted);

	for (size_t i = 1; i < t->n; i++)
		key[i] = rank[t->calls[i].label];
	counting_sort(nodes + 1, t->n - 1, key, n_labels, first, sorted);
	struct children c = by_parent(t, sorted);
	free(rank);
	free(nodes);
	free(key);
	free(first);
	free(sorted);
	return c;
}

uint32_t *calltree_walk(const struct calltree *t, const struct children *c)
{
	uint32_t *walk = xcalloc(t->n, sizeof *walk), *todo = xcalloc((size_t)t->n + 1, sizeof *todo);
	size_t n = 0, n_todo = 0;

	todo[n_todo++] = 0;
	while (n_todo > 0) {
		uint32_t node = todo[--n_todo];
		if (node)
			walk[n++] = node;
		for (uint32_t i = c->first[node + 1]; i-- > c->first[node]; )
			todo[n_todo++] = c->order[i];
	}
	free(todo);
	return walk;
}
