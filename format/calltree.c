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
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
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

uint32_t *calltree_add_stacks(struct calltree *t, struct stacks *s, enum stacks_detail detail)
{
	uint32_t n_frames = stacks_frame_count(s), n = stacks_count(s);
	uint32_t *labels = xcalloc(n_frames, sizeof *labels), *nodes = xcalloc(n, sizeof *nodes);

	for (uint32_t i = 0; i < n_frames; i++) {
		const char *text = stacks_label_by(s, i, detail);
		labels[i] = calltree_label(t, text, strlen(text));
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct stack *stack = stacks_stack(s, i);
		uint32_t parent = stack->parent ? nodes[stack->parent] : 0, label = labels[stack->frame];
		bool same_file = detail == STACKS_FILE && parent && t->calls[parent].label == label;
		nodes[i] = same_file ? parent : calltree_child(t, parent, label);
	}
	free(labels);
	return nodes;
}

uint32_t calltree_add_folded(struct calltree *t, const char *stack, size_t n)
{
	uint32_t node = 0;
	const char *end = stack + n;

	for (;;) {
		const char *stop = memchr(stack, ';', (size_t)(end - stack));
		stop = stop ? stop : end;
		node = calltree_child(t, node, calltree_label(t, stack, (size_t)(stop - stack)));
		if (stop == end)
			return node;
		stack = stop + 1;
	}
}

/* ---------------------------------------------------------------- order */

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
	struct children c = {
		.first = xcalloc(t->n + 2, sizeof *c.first),
		.order = xcalloc(t->n, sizeof *c.order),
	};

	/* Counting sort by parent: first[p + 2] counts, then first[p + 1] is where p's next child goes. */
	for (size_t i = 1; i < t->n; i++)
		c.first[t->calls[i].parent + 2]++;
	for (size_t i = 2; i < t->n + 2; i++)
		c.first[i] += c.first[i - 1];
	for (size_t i = 1; i < t->n; i++)
		c.order[c.first[t->calls[i].parent + 1]++] = (uint32_t)i;
	for (size_t p = 0; p < t->n; p++)
		qsort_r(c.order + c.first[p], c.first[p + 1] - c.first[p], sizeof *c.order, by_caller, &sorter);
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
