/*
 * threads.c - the threads of a trace, numbered
 *
 * Events come in runs of one thread, so the last thread looked up is compared first.
 */
#include "threads.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "xmalloc.h"

struct threads {
	struct thread *threads;
	uint32_t n;
	size_t cap;
	struct index index;
	uint32_t last;		/* looked up last */
};

/* The name of a thread without one; never freed. */
static char no_name[] = "";

struct threads *threads_new(void)
{
	return xcalloc(1, sizeof(struct threads));
}

static void name(struct thread *thread, struct mt_str text)
{
	if (thread->name != no_name)
		free((char *)thread->name);
	thread->name = no_name;
	if (text.n == 0)
		return;
	char *copy = xmalloc(text.n + 1);
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	thread->name = copy;
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++)
		name(&t->threads[i], (struct mt_str){ "", 0 });
	free(t->threads);
	index_clear(&t->index);
	free(t);
}

static bool is(const struct thread *thread, uint32_t pid, uint32_t tid)
{
	return thread->pid == pid && thread->tid == tid;
}

static bool holds(const void *threads, uint32_t n, const void *key)
{
	const struct thread *wanted = key;

	return is((const struct thread *)threads + n, wanted->pid, wanted->tid);
}

static __attribute__((noinline)) uint32_t look_up(struct threads *t, uint32_t pid, uint32_t tid)
{
	struct thread new = { .pid = pid, .tid = tid, .name = no_name };

	t->last = index_put(&t->index, index_hash(pid, tid), holds, t->threads, &new, t->n);
	if (t->last == t->n) {
		GROW(t->threads, (size_t)t->n, t->cap);
		t->threads[t->n++] = new;
	}
	return t->last;
}

uint32_t threads_number(struct threads *t, uint32_t pid, uint32_t tid)
{
	return t->last < t->n && is(&t->threads[t->last], pid, tid) ? t->last : look_up(t, pid, tid);
}

void threads_take(struct threads *t, const struct mt_event *ev)
{
	if (ev->kind != MT_THREAD)
		return;
	uint32_t n = threads_number(t, ev->pid, ev->tid);	/* may move the array */
	name(&t->threads[n], ev->name);
}

const struct thread *threads_thread(const struct threads *t, uint32_t n)
{
	return &t->threads[n];
}
