/*
 * calltree.c - a tree of calls by what their frames are called
 */
#include "calltree.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

struct label {
	char *text;
	size_t n;
};

struct calltree {
	struct call *calls;
	size_t n, cap;
	uint32_t *call_slots;	/* open addressing on parent and label; 0 = empty */
	size_t n_call_slots;	/* a power of 2, as the other */
	struct label *labels;
	size_t n_labels, cap_labels;
	uint32_t *label_slots;	/* number + 1; 0 = empty */
	size_t n_label_slots;
};

struct calltree *calltree_new(void)
{
	struct calltree *t = xcalloc(1, sizeof *t);

	t->n_call_slots = t->n_label_slots = 256;
	t->call_slots = xcalloc(t->n_call_slots, sizeof *t->call_slots);
	t->label_slots = xcalloc(t->n_label_slots, sizeof *t->label_slots);
	GROW(t->calls, t->n, t->cap);
	t->calls[t->n++] = (struct call){ 0 };
	return t;
}

void calltree_free(struct calltree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_labels; i++)
		free(t->labels[i].text);
	free(t->labels);
	free(t->label_slots);
	free(t->calls);
	free(t->call_slots);
	free(t);
}

/* ---------------------------------------------------------------- labels */

static uint64_t hash_text(const char *text, size_t n)
{
	uint64_t h = n, word;

	for (; n >= sizeof word; text += sizeof word, n -= sizeof word) {
		memcpy(&word, text, sizeof word);
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, text, n);
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

static uint32_t *label_slot(const struct calltree *t, const char *text, size_t n)
{
	size_t i = hash_text(text, n) & (t->n_label_slots - 1);

	for (; t->label_slots[i]; i = (i + 1) & (t->n_label_slots - 1)) {
		const struct label *l = &t->labels[t->label_slots[i] - 1];
		if (l->n == n && memcmp(l->text, text, n) == 0)
			break;
	}
	return &t->label_slots[i];
}

static void grow_label_slots(struct calltree *t)
{
	free(t->label_slots);
	t->n_label_slots *= 2;
	t->label_slots = xcalloc(t->n_label_slots, sizeof *t->label_slots);
	for (size_t i = 0; i < t->n_labels; i++)
		*label_slot(t, t->labels[i].text, t->labels[i].n) = (uint32_t)i + 1;
}

uint32_t calltree_label(struct calltree *t, const char *text, size_t n)
{
	if (2 * (t->n_labels + 1) > t->n_label_slots)
		grow_label_slots(t);
	uint32_t *slot = label_slot(t, text, n);
	if (*slot)
		return *slot - 1;

	GROW(t->labels, t->n_labels, t->cap_labels);
	char *copy = xmalloc(n + 1);
	memcpy(copy, text, n);
	copy[n] = '\0';
	t->labels[t->n_labels++] = (struct label){ copy, n };
	*slot = (uint32_t)t->n_labels;
	return *slot - 1;
}

const char *calltree_text(const struct calltree *t, uint32_t label)
{
	return t->labels[label].text;
}

/* ---------------------------------------------------------------- calls */

static uint32_t *call_slot(const struct calltree *t, uint32_t parent, uint32_t label)
{
	uint64_t h = ((uint64_t)parent << 32 | label) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 20) & (t->n_call_slots - 1);

	for (; t->call_slots[i]; i = (i + 1) & (t->n_call_slots - 1)) {
		const struct call *c = &t->calls[t->call_slots[i]];
		if (c->parent == parent && c->label == label)
			break;
	}
	return &t->call_slots[i];
}

static void grow_call_slots(struct calltree *t)
{
	free(t->call_slots);
	t->n_call_slots *= 2;
	t->call_slots = xcalloc(t->n_call_slots, sizeof *t->call_slots);
	for (size_t i = 1; i < t->n; i++)
		*call_slot(t, t->calls[i].parent, t->calls[i].label) = (uint32_t)i;
}

uint32_t calltree_child(struct calltree *t, uint32_t parent, uint32_t label)
{
	if (2 * (t->n + 1) > t->n_call_slots)
		grow_call_slots(t);
	uint32_t *slot = call_slot(t, parent, label);
	if (*slot)
		return *slot;
	GROW(t->calls, t->n, t->cap);
	t->calls[t->n] = (struct call){ .parent = parent, .label = label };
	return *slot = (uint32_t)t->n++;
}

uint32_t calltree_count(const struct calltree *t)
{
	return (uint32_t)t->n;
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
 * Numbers `in`, n of them, ordered by their keys, stably: out, and where each key begins. Counts are two
 * places on, so that filling `out` leaves first[key] at index key.
 */
static void counting_sort(const uint32_t *in, size_t n, const uint32_t *key, size_t n_keys, uint32_t *first, uint32_t *out)
{
	memset(first, 0, (n_keys + 2) * sizeof *first);
	for (size_t i = 0; i < n; i++)
		first[key[in[i]] + 2]++;
	for (size_t k = 2; k < n_keys + 2; k++)
		first[k] += first[k - 1];
	for (size_t i = 0; i < n; i++)
		out[first[key[in[i]] + 1]++] = in[i];
}

/* All nodes but the root, in the order of `in`, as children of their parents. */
static struct children by_parent(const struct calltree *t, const uint32_t *in)
{
	uint32_t *parent = xmalloc(t->n * sizeof *parent);
	struct children c = {
		.first = xcalloc(t->n + 2, sizeof *c.first),
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

	return strcmp(t->labels[*(const uint32_t *)a].text, t->labels[*(const uint32_t *)b].text);
}

/* By label: its place among all, in the order of their texts. */
static uint32_t *ranks(const struct calltree *t)
{
	uint32_t *sorted = xmalloc(t->n_labels * sizeof *sorted), *rank = xmalloc(t->n_labels * sizeof *rank);

	for (size_t i = 0; i < t->n_labels; i++)
		sorted[i] = (uint32_t)i;
	qsort_r(sorted, t->n_labels, sizeof *sorted, by_text, (void *)t);
	for (size_t i = 0; i < t->n_labels; i++)
		rank[sorted[i]] = (uint32_t)i;
	free(sorted);
	return rank;
}

/* By their labels' ranks first, then, keeping that order, by their parents. */
struct children calltree_children_by_text(const struct calltree *t)
{
	uint32_t *rank = ranks(t), *nodes = all_nodes(t), *key = xcalloc(t->n, sizeof *key);
	uint32_t *first = xmalloc((t->n_labels + 2) * sizeof *first), *sorted = xmalloc(t->n * sizeof *sorted);

	for (size_t i = 1; i < t->n; i++)
		key[i] = rank[t->calls[i].label];
	counting_sort(nodes + 1, t->n - 1, key, t->n_labels, first, sorted);
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
	uint32_t *walk = xcalloc(t->n, sizeof *walk), *todo = xcalloc(t->n + 1, sizeof *todo);
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
