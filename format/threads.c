/*
 * threads.c - the threads of a trace, numbered
 *
 * An open-addressing index on pid and tid. Events come in runs of one thread,
 * so the thread asked for last is looked at first.
 */
#include "threads.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

struct threads {
	struct thread *threads;
	uint32_t n;
	size_t cap;
	uint32_t *slots;	/* number + 1; 0 = empty */
	size_t n_slots;		/* a power of 2 */
	uint32_t last;		/* asked for last */
};

/* The name of who has none: not to be freed. */
static char no_name[] = "";

struct threads *threads_new(void)
{
	struct threads *t = xcalloc(1, sizeof *t);

	t->n_slots = 64;
	t->slots = xcalloc(t->n_slots, sizeof *t->slots);
	return t;
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
	free(t->slots);
	free(t);
}

static bool is(const struct thread *thread, uint32_t pid, uint32_t tid)
{
	return thread->pid == pid && thread->tid == tid;
}

/* Where that thread is, or is to be. */
static uint32_t *slot_of(const struct threads *t, uint32_t pid, uint32_t tid)
{
	uint64_t h = ((uint64_t)pid << 32 | tid) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 32) & (t->n_slots - 1);

	while (t->slots[i] && !is(&t->threads[t->slots[i] - 1], pid, tid))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void grow_slots(struct threads *t)
{
	free(t->slots);
	t->n_slots *= 2;
	t->slots = xcalloc(t->n_slots, sizeof *t->slots);
	for (uint32_t i = 0; i < t->n; i++)
		*slot_of(t, t->threads[i].pid, t->threads[i].tid) = i + 1;
}

uint32_t threads_number(struct threads *t, uint32_t pid, uint32_t tid)
{
	if (t->last < t->n && is(&t->threads[t->last], pid, tid))
		return t->last;

	uint32_t *slot = slot_of(t, pid, tid);
	if (!*slot) {
		if (2 * ((size_t)t->n + 1) > t->n_slots) {
			grow_slots(t);
			slot = slot_of(t, pid, tid);
		}
		GROW(t->threads, (size_t)t->n, t->cap);
		t->threads[t->n] = (struct thread){ .pid = pid, .tid = tid, .name = no_name };
		*slot = ++t->n;
	}
	return t->last = *slot - 1;
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
