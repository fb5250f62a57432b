/*
 * memfold.c - fold a trace into one line per stack, for flame graphs
 *
 * In:    a trace (stdin or files)
 * Out:   folded lines "outermost;…;innermost N\n", each stack once, depth
 *        first, callees of one caller in the order of their names: lines that
 *        begin alike stand together
 * Keeps: the live set, the stacks, and a line's text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "count", 'c', NULL, "count allocations, not bytes" },
	{ "leaks", 'l', NULL, "report what was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	{ "by-process", 'P', NULL, "add an outermost frame for each process, \"[process PID]\"" },
	{ "by", 'b', "WHAT", "show frames by line (the default), function, or file" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memfold",
	.summary = "fold a trace into one line per stack, for flame graphs",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memfold | memflame > out.html",
	.options = options,
};

/* Frames that look alike are one label; nodes of one parent and label are one node. Node 0 is the root. */
struct node {
	uint32_t parent, label;
	uint64_t value;
};

struct trie {
	struct node *nodes;
	size_t n, cap;
	uint32_t *slots;	/* open addressing on (parent, label); 0 = empty */
	size_t n_slots;		/* a power of 2 */
};

/* Label numbers are ranks: in the order of the texts. */
struct labels {
	char **texts;
	uint32_t *of_frame;
	uint32_t n;
};

/* ---------------------------------------------------------------- labels */

struct labelled {
	char *text;
	uint32_t frame;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct labelled *)a)->text, ((const struct labelled *)b)->text);
}

static struct labels make_labels(struct stacks *s, enum stacks_detail detail)
{
	uint32_t n = stacks_frame_count(s);
	struct labelled *all = xcalloc(n, sizeof *all);
	struct labels l = { .texts = xcalloc(n, sizeof *l.texts), .of_frame = xcalloc(n, sizeof *l.of_frame) };

	for (uint32_t i = 0; i < n; i++)
		all[i] = (struct labelled){ xstrdup(stacks_label_by(s, i, detail)), i };
	qsort(all, n, sizeof *all, by_text);
	for (uint32_t i = 0; i < n; i++) {
		if (l.n == 0 || strcmp(l.texts[l.n - 1], all[i].text) != 0)
			l.texts[l.n++] = all[i].text;
		else
			free(all[i].text);
		l.of_frame[all[i].frame] = l.n - 1;
	}
	free(all);
	return l;
}

static void labels_free(struct labels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		free(l->texts[i]);
	free(l->texts);
	free(l->of_frame);
}

/* ---------------------------------------------------------------- the trie */

static uint32_t *slot_of(struct trie *t, uint32_t parent, uint32_t label)
{
	uint64_t h = ((uint64_t)parent << 32 | label) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 20) & (t->n_slots - 1);

	while (t->slots[i] && (t->nodes[t->slots[i]].parent != parent || t->nodes[t->slots[i]].label != label))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void grow_slots(struct trie *t)
{
	free(t->slots);
	t->n_slots = t->n_slots ? 2 * t->n_slots : 1024;
	t->slots = xcalloc(t->n_slots, sizeof *t->slots);
	for (size_t i = 1; i < t->n; i++)
		*slot_of(t, t->nodes[i].parent, t->nodes[i].label) = (uint32_t)i;
}

static uint32_t child(struct trie *t, uint32_t parent, uint32_t label)
{
	if (2 * (t->n + 1) > t->n_slots)
		grow_slots(t);
	uint32_t *slot = slot_of(t, parent, label);
	if (*slot)
		return *slot;
	GROW(t->nodes, t->n, t->cap);
	t->nodes[t->n] = (struct node){ .parent = parent, .label = label };
	return *slot = (uint32_t)t->n++;
}

static uint64_t value_of(const struct tally *t, uint32_t stack, bool count)
{
	return count ? t->at[stack].count : t->at[stack].bytes;
}

/* Which stacks have a value, or one above them: parents have smaller numbers. */
static bool *find_needed(const struct tally *t, bool count)
{
	bool *needed = xcalloc(t->n, sizeof *needed);

	for (uint32_t i = t->n; i-- > 0; ) {
		if (value_of(t, i, count))
			needed[i] = true;
		if (needed[i] && i > 0)
			needed[stacks_stack(t->stacks, i)->parent] = true;
	}
	return needed;
}

static struct trie make_trie(const struct tally *t, const struct labels *l, bool count, bool merge_runs)
{
	struct trie trie = { 0 };
	bool *needed = find_needed(t, count);
	uint32_t *node_of = xcalloc(t->n, sizeof *node_of);	/* of stacks; 0: the root */

	GROW(trie.nodes, (size_t)0, trie.cap);
	trie.nodes[trie.n++] = (struct node){ 0 };
	if (value_of(t, 0, count))
		trie.nodes[child(&trie, 0, l->of_frame[0])].value += value_of(t, 0, count);
	for (uint32_t i = 1; i < t->n; i++) {
		const struct stack *s = stacks_stack(t->stacks, i);
		uint32_t parent = node_of[s->parent], label = l->of_frame[s->frame];
		if (!needed[i])
			continue;
		if (merge_runs && parent && trie.nodes[parent].label == label)
			node_of[i] = parent;
		else
			node_of[i] = child(&trie, parent, label);
		trie.nodes[node_of[i]].value += value_of(t, i, count);
	}
	free(needed);
	free(node_of);
	free(trie.slots);
	trie.slots = NULL;
	return trie;
}

/* ---------------------------------------------------------------- lines */

/* Children of each node, by label: first[n] to first[n + 1] in `order`. */
struct children {
	uint32_t *first, *order;
};

/* Numbers 0 to n-1 ordered by key[], stably: order, and where each key begins. */
static void counting_sort(const uint32_t *in, size_t n, const uint32_t *key, size_t n_keys, uint32_t *first,
			  uint32_t *out)
{
	memset(first, 0, (n_keys + 1) * sizeof *first);
	for (size_t i = 0; i < n; i++)
		first[key[in[i]] + 1]++;
	for (size_t k = 0; k < n_keys; k++)
		first[k + 1] += first[k];
	for (size_t i = 0; i < n; i++)
		out[first[key[in[i]]]++] = in[i];
	memmove(first + 1, first, n_keys * sizeof *first);
	first[0] = 0;
}

/* By label, then, keeping that order, by parent. */
static struct children sort_children(const struct trie *t, uint32_t n_labels)
{
	size_t n = t->n, n_keys = n > n_labels ? n : n_labels;
	uint32_t *key = xcalloc(n, sizeof *key), *by_label = xcalloc(n, sizeof *by_label);
	struct children c = {
		.first = xcalloc(n_keys + 1, sizeof *c.first),
		.order = xcalloc(n, sizeof *c.order),
	};

	for (size_t i = 0; i < n; i++) {
		c.order[i] = (uint32_t)i;
		key[i] = t->nodes[i].label;
	}
	counting_sort(c.order + 1, n - 1, key, n_labels, c.first, by_label);
	for (size_t i = 0; i < n; i++)
		key[i] = t->nodes[i].parent;
	counting_sort(by_label, n - 1, key, n, c.first, c.order);
	free(key);
	free(by_label);
	return c;
}

struct path {
	char *text;
	size_t n, cap;
};

/* The path so far becomes its first n bytes and this label. */
static void path_set(struct path *p, size_t n, const char *label)
{
	size_t length = strlen(label);

	GROW(p->text, n + length + 1, p->cap);
	if (n)
		p->text[n++] = ';';
	memcpy(p->text + n, label, length);
	p->n = n + length;
}

static void print_line(const struct path *p, uint64_t value)
{
	char number[32];
	int n = snprintf(number, sizeof number, " %llu\n", (unsigned long long)value);

	fwrite(p->text, 1, p->n, stdout);
	fwrite(number, 1, (size_t)n, stdout);
}

/* Depth first. A node's path ends where its parent's did; `ends` keeps where that was. */
static void print_lines(const struct trie *t, const struct labels *l, const struct children *c)
{
	uint32_t *next = xcalloc(t->n, sizeof *next);
	size_t *ends = xcalloc(t->n, sizeof *ends);
	struct path path = { 0 };
	uint32_t at = 0;

	memcpy(next, c->first, t->n * sizeof *next);
	while (!ferror(stdout)) {
		if (next[at] == c->first[at + 1]) {
			if (at == 0)
				break;
			at = t->nodes[at].parent;
			continue;
		}
		uint32_t down = c->order[next[at]++];
		path_set(&path, ends[at], l->texts[t->nodes[down].label]);
		ends[down] = path.n;
		if (t->nodes[down].value)
			print_line(&path, t->nodes[down].value);
		at = down;
	}
	free(path.text);
	free(next);
	free(ends);
}

static void fold(const struct tally *t, enum stacks_detail detail, bool count)
{
	struct labels labels = make_labels(t->stacks, detail);
	struct trie trie = make_trie(t, &labels, count, detail == STACKS_FILE);
	struct children children = sort_children(&trie, labels.n);

	print_lines(&trie, &labels, &children);
	free(children.first);
	free(children.order);
	free(trie.nodes);
	labels_free(&labels);
}

int main(int argc, char **argv)
{
	enum stacks_detail detail = STACKS_LINE;
	enum tally_what what = TALLY_PEAK;
	bool count = false, by_process = false;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'c':
			count = true;
			break;
		case 'l':
			tally_choose(&what, TALLY_LEAKS);
			break;
		case 't':
			tally_choose(&what, TALLY_TOTAL);
			break;
		case 'P':
			by_process = true;
			break;
		case 'b':
			detail = tool_detail(optarg, "--by");
			break;
		}
	struct mt_in *in = tool_input(argc, argv);
	struct tally *t = by_process ? tally_read_by_process(in, what) : tally_read(in, what);
	fold(t, detail, count);
	tally_free(t);
	return tool_finish(in, NULL);
}
