/*
 * held.c - what is allocated now, in the order it was made
 *
 * A log of entries, one for each allocation, in order; live.h tells an id's
 * entry, and its size, weight and thread. A freed entry is GONE, or, if it
 * was open at the mark, KEPT: then its `id` is an index to where its size and
 * the rest are. What is gone at the log's end is dropped at once (most blocks
 * die young), the others are swept out when they are half of the log.
 */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "threads.h"
#include "xmalloc.h"

enum state { OPEN, GONE, KEPT };

#define STATE_SHIFT 5		/* an allocator is less than 32 */
#define TIME_SHIFT 8
#define TIME_MAX (UINT64_MAX >> TIME_SHIFT)
#define SWEEP_AT 4096		/* entries; below it is not worth while */

struct entry {
	uint64_t what;		/* time_ms, state, allocator */
	uint32_t id, stack;
};

struct kept {
	uint64_t size, weight;
	uint32_t thread;
	uint32_t at;		/* its entry */
};

struct held {
	struct live *live;	/* block.key: the entry; block.thread: the thread's number */
	struct threads *threads;
	struct entry *log;
	size_t n, cap, n_gone;
	bool marked;
	size_t mark;		/* entries before it were open at the mark, or are GONE */
	struct kept *kept;
	size_t n_kept, cap_kept;
};

struct held *held_new(void)
{
	struct held *h = xcalloc(1, sizeof *h);

	h->live = live_new();
	h->threads = threads_new();
	return h;
}

void held_free(struct held *h)
{
	if (!h)
		return;
	live_free(h->live);
	threads_free(h->threads);
	free(h->log);
	free(h->kept);
	free(h);
}

/* ---------------------------------------------------------------- entries */

static struct entry entry_of(const struct mt_event *ev)
{
	uint64_t time_ms = ev->time_ms < TIME_MAX ? ev->time_ms : TIME_MAX;

	return (struct entry){
		.what = time_ms << TIME_SHIFT | OPEN << STATE_SHIFT | (ev->allocator & 31),
		.id = ev->id,
		.stack = ev->stack,
	};
}

static enum state state_of(const struct entry *e)
{
	return (enum state)(e->what >> STATE_SHIFT & 7);
}

static void set_state(struct entry *e, enum state state)
{
	e->what = (e->what & ~(UINT64_C(7) << STATE_SHIFT)) | (uint64_t)state << STATE_SHIFT;
}

/* Drop what is gone at the end. */
static void trim(struct held *h)
{
	while (h->n > 0 && state_of(&h->log[h->n - 1]) == GONE) {
		h->n--;
		h->n_gone--;
	}
	if (h->mark > h->n)
		h->mark = h->n;
}

static void move(struct held *h, size_t from, size_t to)
{
	struct entry *e = &h->log[to];
	struct block b;

	*e = h->log[from];
	if (state_of(e) == KEPT) {
		h->kept[e->id].at = (uint32_t)to;
	} else if (live_find(h->live, e->id, &b)) {
		b.key = (uint32_t)to;
		live_open(h->live, e->id, &b);
	}
}

static void sweep(struct held *h)
{
	size_t to = 0, mark = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (state_of(&h->log[i]) == GONE)
			continue;
		if (to != i)
			move(h, i, to);
		to++;
		if (i < h->mark)
			mark = to;
	}
	h->n = to;
	h->mark = mark;
	h->n_gone = 0;
}

/* Append an entry; its number. */
static uint32_t push(struct held *h, struct entry e)
{
	if (h->n >= SWEEP_AT && h->n_gone > h->n / 2)
		sweep(h);
	if (h->n == UINT32_MAX)
		die("more than %lu allocations are open at once", (unsigned long)UINT32_MAX);
	GROW(h->log, h->n, h->cap);
	h->log[h->n] = e;
	return (uint32_t)h->n++;
}

/* The entry is open no more; b is what it was. */
static void retire(struct held *h, const struct block *b)
{
	struct entry *e = &h->log[b->key];

	if (h->marked && b->key < h->mark) {
		GROW(h->kept, h->n_kept, h->cap_kept);
		h->kept[h->n_kept] = (struct kept){ b->size, b->weight, b->thread, b->key };
		e->id = (uint32_t)h->n_kept++;
		set_state(e, KEPT);
		return;
	}
	set_state(e, GONE);
	h->n_gone++;
	trim(h);
}

/* ---------------------------------------------------------------- events */

void held_open(struct held *h, const struct mt_event *ev)
{
	struct block b;

	(void)held_close(h, ev->id, &b);
	b = (struct block){
		.size = ev->size,
		.weight = ev->weight,
		.key = push(h, entry_of(ev)),
		.thread = threads_number(h->threads, ev->pid, ev->tid),
	};
	live_open(h->live, ev->id, &b);
}

bool held_find(const struct held *h, uint32_t id, struct block *b)
{
	return live_find(h->live, id, b);
}

bool held_close(struct held *h, uint32_t id, struct block *b)
{
	if (!live_close(h->live, id, b))
		return false;
	retire(h, b);
	return true;
}

bool held_resize(struct held *h, uint32_t id, uint64_t size, struct block *b, uint64_t *gone)
{
	if (!live_find(h->live, id, b) || size > b->size)
		return false;
	*gone = b->size - size;
	if (h->marked && b->key < h->mark) {
		/* What it was at the mark stays in its place; what is left is a new entry. */
		struct entry e = h->log[b->key];
		retire(h, b);
		b->key = push(h, e);
	}
	b->size = size;
	live_open(h->live, id, b);
	return true;
}

static void event_of(const struct held *h, const struct entry *e, const struct block *b, struct mt_event *ev)
{
	const struct thread *t = threads_thread(h->threads, b->thread);

	*ev = (struct mt_event){
		.kind = MT_ALLOC,
		.allocator = e->what & 31,
		.pid = t->pid,
		.tid = t->tid,
		.time_ms = e->what >> TIME_SHIFT,
		.id = e->id,
		.stack = e->stack,
		.size = b->size,
		.weight = b->weight,
	};
}

bool held_each(const struct held *h, size_t *cursor, struct mt_event *ev)
{
	struct block b;

	while (*cursor < h->n) {
		const struct entry *e = &h->log[(*cursor)++];
		if (state_of(e) != OPEN || !live_find(h->live, e->id, &b))
			continue;
		event_of(h, e, &b, ev);
		return true;
	}
	return false;
}

size_t held_count(const struct held *h)
{
	return live_count(h->live);
}

/* ---------------------------------------------------------------- the mark */

void held_mark(struct held *h)
{
	held_unmark(h);
	h->marked = true;
	h->mark = h->n;
}

void held_unmark(struct held *h)
{
	for (size_t i = 0; i < h->n_kept; i++)
		set_state(&h->log[h->kept[i].at], GONE);
	h->n_gone += h->n_kept;
	h->n_kept = 0;
	h->marked = false;
	h->mark = 0;
	trim(h);
}

bool held_each_marked(const struct held *h, size_t *cursor, struct mt_event *ev)
{
	struct block b;

	while (*cursor < h->mark) {
		const struct entry *e = &h->log[(*cursor)++];
		if (state_of(e) == KEPT) {
			const struct kept *k = &h->kept[e->id];
			b = (struct block){ .size = k->size, .weight = k->weight, .thread = k->thread };
		} else if (state_of(e) == GONE || !live_find(h->live, e->id, &b)) {
			continue;
		}
		event_of(h, e, &b, ev);
		return true;
	}
	return false;
}

void held_clear(struct held *h)
{
	live_clear(h->live);
	h->n = h->n_gone = h->n_kept = h->mark = 0;
	h->marked = false;
}
