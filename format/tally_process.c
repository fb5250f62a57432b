/*
 * tally_process.c - the totals by process: each stack is below a frame that names its process
 *
 * The trace is tallied by (process, stack). Then a new table of stacks is made,
 * in which the processes are the outermost frames. Code that draws or folds
 * stacks need not know about processes.
 */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "xmalloc.h"

struct pair {
	uint32_t pid, stack;
};

/* Numbered pairs. */
struct pairs {
	struct pair *at;
	uint32_t n;
	size_t cap;
	struct index index;
};

static bool holds(const void *pairs, uint32_t n, const void *key)
{
	const struct pair *pair = (const struct pair *)pairs + n, *wanted = key;

	return pair->pid == wanted->pid && pair->stack == wanted->stack;
}

static uint32_t number(struct pairs *p, struct pair pair)
{
	uint32_t n = index_put(&p->index, index_hash(pair.pid, pair.stack), holds, p->at, &pair, p->n);

	if (n == p->n) {
		GROW(p->at, (size_t)n, p->cap);
		p->at[p->n++] = pair;
	}
	return n;
}

static uint32_t key_of(void *pairs, const struct tally *t, const struct mt_event *ev)
{
	return number(pairs, (struct pair){ ev->pid, stacks_number(t->stacks, ev->stack) });
}

static struct mt_str text(const char *p)
{
	return (struct mt_str){ p, strlen(p) };
}

/* Returns the outermost stack of a process. */
static uint32_t add_process(struct stacks *to, uint32_t pid)
{
	char name[32];
	snprintf(name, sizeof name, "[process %u]", (unsigned)pid);
	struct mt_event ev = { .name = text(name), .file = text(""), .module = text("") };

	return stacks_add_stack(to, 0, stacks_add_frame(to, stacks_add_function(to, &ev), 0));
}

static uint32_t add_one(struct stacks *to, uint32_t parent, const struct stacks *from, uint32_t stack)
{
	const struct frame *frame = stacks_frame(from, stacks_stack(from, stack)->frame);
	struct mt_event ev = function_event(stacks_function(from, frame->function));

	return stacks_add_stack(to, parent, stacks_add_frame(to, stacks_add_function(to, &ev), frame->line));
}

/* The frames of one stack, innermost first. */
struct path {
	uint32_t *at;
	size_t n, cap;
};

static uint32_t add_stack(struct stacks *to, const struct stacks *from, struct pair pair, struct path *path)
{
	uint32_t stack = add_process(to, pair.pid);

	if (pair.stack == 0)
		return stacks_add_stack(to, stack, 0);
	path->n = 0;
	for (uint32_t s = pair.stack; s; s = stacks_stack(from, s)->parent) {
		GROW(path->at, path->n, path->cap);
		path->at[path->n++] = s;
	}
	while (path->n)
		stack = add_one(to, stack, from, path->at[--path->n]);
	return stack;
}

struct tally *tally_read_by_process(struct mt_in *in, enum tally_what what)
{
	struct pairs pairs = { 0 };
	struct path path = { 0 };
	struct tally *t = tally_read_by(in, what, key_of, &pairs);
	struct stacks *to = stacks_new();
	struct amount *at = NULL;
	uint32_t *stack_of = xcalloc(t->n + 1, sizeof *stack_of);

	for (uint32_t i = 0; i < t->n; i++)
		if (t->at[i].bytes || t->at[i].count)
			stack_of[i] = add_stack(to, t->stacks, pairs.at[i], &path);
	at = xcalloc(stacks_count(to), sizeof *at);
	for (uint32_t i = 0; i < t->n; i++)
		amount_add(&at[stack_of[i]], t->at[i]);
	stacks_free(t->stacks);
	free(t->at);
	t->stacks = to;
	t->at = at;
	t->n = stacks_count(to);
	free(stack_of);
	free(path.at);
	free(pairs.at);
	index_clear(&pairs.index);
	return t;
}
