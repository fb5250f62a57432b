/*
 * open_blocks.c - the open (live) allocations as whole events, in the order they were made
 *
 * The log has one entry for each allocation, in order; live.h maps an id to its
 * entry, size, weight and thread. The entry of a freed allocation is GONE, or
 * KEPT if the allocation was open at the mark: then its `id` is an index into
 * `kept`, which has the size and the rest. GONE entries at the end of the log
 * are dropped at once (most blocks die young), others once they are half of it.
 */
#include "open_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "live.h"
#include "owned.h"
#include "provenance.h"
#include "threads.h"
#include "xmalloc.h"

enum state { OPEN, GONE, KEPT };

#define STATE_SHIFT 5		/* an allocator is less than 32 */
#define TIME_SHIFT 8
#define TIME_MAX (UINT64_MAX >> TIME_SHIFT)
#define SWEEP_AT 4096		/* entries; a shorter log is not worth sweeping */

struct entry {
	uint64_t what;		/* time_ms, state, allocator */
	uint32_t id, stack;
};

struct kept {
	uint64_t size, weight;
	uint32_t thread;
	uint32_t at;		/* its entry */
};

struct open_blocks {
	struct live *live;	/* block.key: the entry; block.thread: the thread's number */
	struct threads *threads;
	struct entry *log;
	size_t n, cap, n_gone;
	bool marked;
	size_t mark;		/* entries before it were open at the mark, or are GONE */
	struct kept *kept;
	size_t n_kept, cap_kept;
	bool answer;
	struct owned owned;
	uint32_t *ending;	/* in order: the entries of the process that ends, if `owned` keeps ids */
	size_t n_ending;
	uint32_t last_id;	/* in an answer ids can recur: allocations are numbered anew */
};

static uint32_t pid_of(const void *threads, const struct block *b)
{
	return threads_thread(threads, b->thread)->pid;
}

struct open_blocks *open_blocks_new(void)
{
	struct open_blocks *o = xcalloc(1, sizeof *o);

	o->live = live_new();
	o->threads = threads_new();
	o->owned = (struct owned){ .live = o->live, .pid_of = pid_of, .arg = o->threads };
	return o;
}

void open_blocks_free(struct open_blocks *o)
{
	if (!o)
		return;
	live_free(o->live);
	threads_free(o->threads);
	owned_clear(&o->owned);
	free(o->ending);
	free(o->log);
	free(o->kept);
	free(o);
}

/* ---------------------------------------------------------------- entries */

static struct entry entry_of(const struct mt_event *ev, uint32_t id)
{
	uint64_t time_ms = ev->time_ms < TIME_MAX ? ev->time_ms : TIME_MAX;

	return (struct entry){
		.what = time_ms << TIME_SHIFT | OPEN << STATE_SHIFT | (ev->allocator & 31),
		.id = id,
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

/* Drops the GONE entries at the end. */
static void trim(struct open_blocks *o)
{
	while (o->n > 0 && state_of(&o->log[o->n - 1]) == GONE) {
		o->n--;
		o->n_gone--;
	}
	if (o->mark > o->n)
		o->mark = o->n;
}

static void move(struct open_blocks *o, size_t from, size_t to)
{
	struct entry *e = &o->log[to];
	struct block b;

	*e = o->log[from];
	if (state_of(e) == KEPT) {
		o->kept[e->id].at = (uint32_t)to;
	} else if (live_find(o->live, e->id, &b)) {
		b.key = (uint32_t)to;
		live_open(o->live, e->id, &b, NULL);
	}
}

static void sweep(struct open_blocks *o)
{
	size_t to = 0, mark = 0;

	for (size_t i = 0; i < o->n; i++) {
		if (state_of(&o->log[i]) == GONE)
			continue;
		if (to != i)
			move(o, i, to);
		to++;
		if (i < o->mark)
			mark = to;
	}
	o->n = to;
	o->mark = mark;
	o->n_gone = 0;
}

/* Appends an entry and returns its number. */
static uint32_t push(struct open_blocks *o, struct entry e)
{
	if (o->n >= SWEEP_AT && o->n_gone > o->n / 2)
		sweep(o);
	if (o->n == UINT32_MAX)
		die("more than %lu allocations are open at once", (unsigned long)UINT32_MAX);
	GROW(o->log, o->n, o->cap);
	o->log[o->n] = e;
	return (uint32_t)o->n++;
}

/* Marks the entry of a block that ended as KEPT or GONE. */
static void retire(struct open_blocks *o, const struct block *b)
{
	struct entry *e = &o->log[b->key];

	if (o->marked && b->key < o->mark) {
		GROW(o->kept, o->n_kept, o->cap_kept);
		o->kept[o->n_kept] = (struct kept){ b->size, b->weight, b->thread, b->key };
		e->id = (uint32_t)o->n_kept++;
		set_state(e, KEPT);
		return;
	}
	set_state(e, GONE);
	o->n_gone++;
	trim(o);
}

/* ---------------------------------------------------------------- events */

/* Sets only the members of an allocation: clearing the whole event each time would cost more than all else here. */
static void event_of(const struct open_blocks *o, const struct entry *e, uint32_t id, const struct block *b,
		     struct mt_event *ev)
{
	const struct thread *t = threads_thread(o->threads, b->thread);

	ev->kind = MT_ALLOC;
	ev->allocator = e->what & 31;
	ev->pid = t->pid;
	ev->tid = t->tid;
	ev->time_ms = e->what >> TIME_SHIFT;
	ev->id = id;
	ev->stack = e->stack;
	ev->size = b->size;
	ev->weight = b->weight;
}

/* Ends the block b of that id. */
static void end(struct open_blocks *o, uint32_t id, const struct block *b, struct mt_event *was)
{
	if (was)
		event_of(o, &o->log[b->key], id, b, was);
	retire(o, b);
}

bool open_blocks_open(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was)
{
	uint32_t id = o->answer ? ++o->last_id : ev->id;
	struct block old, b = {
		.size = ev->size,
		.weight = ev->weight,
		.thread = threads_number(o->threads, ev->pid, ev->tid),
	};

	b.key = push(o, entry_of(ev, id));
	if (owned_kept(&o->owned))
		owned_add(&o->owned, ev->pid, id);
	if (!live_open(o->live, id, &b, &old))
		return false;
	end(o, id, &old, was);
	return true;
}

bool open_blocks_close(struct open_blocks *o, uint32_t id, struct mt_event *was)
{
	struct block b;

	if (o->answer || !live_close(o->live, id, &b))
		return false;
	end(o, id, &b, was);
	return true;
}

bool open_blocks_resize(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was)
{
	struct block b;

	if (o->answer || !live_shrink(o->live, ev->id, ev->size, &b))
		return false;
	if (was)
		event_of(o, &o->log[b.key], ev->id, &b, was);
	if (o->marked && b.key < o->mark && b.size > ev->size) {
		/* The entry keeps the state at the mark; the rest of the block gets a new one. */
		struct entry e = o->log[b.key];
		retire(o, &b);
		b.key = push(o, e);
		b.size = ev->size;
		live_open(o->live, ev->id, &b, NULL);
	}
	return true;
}

bool open_blocks_find(const struct open_blocks *o, uint32_t id, struct mt_event *ev)
{
	struct block b;

	if (o->answer || !live_find(o->live, id, &b))
		return false;
	event_of(o, &o->log[b.key], id, &b, ev);
	return true;
}

bool open_blocks_each(const struct open_blocks *o, size_t *cursor, struct mt_event *ev)
{
	struct block b;

	while (*cursor < o->n) {
		const struct entry *e = &o->log[(*cursor)++];
		if (state_of(e) != OPEN || !live_find(o->live, e->id, &b))
			continue;
		event_of(o, e, e->id, &b, ev);
		return true;
	}
	return false;
}

static void find_ending(struct open_blocks *o, uint32_t pid)
{
	struct block b;

	free(o->ending);
	o->ending = owned_take(&o->owned, pid, &o->n_ending);
	for (size_t i = 0; i < o->n_ending; i++)
		if (live_find(o->live, o->ending[i], &b))
			o->ending[i] = b.key;
	owned_sort(o->ending, o->n_ending);
}

bool open_blocks_exit(struct open_blocks *o, uint32_t pid, size_t *cursor, struct mt_event *was)
{
	struct block b;

	if (o->answer)
		return false;
	if (*cursor == 0 && owned_instead_of_walk(&o->owned))
		find_ending(o, pid);
	bool listed = owned_kept(&o->owned);
	while (*cursor < (listed ? o->n_ending : o->n)) {
		size_t at = (*cursor)++;
		const struct entry *e = &o->log[listed ? o->ending[at] : at];
		uint32_t id = e->id;
		if (state_of(e) != OPEN || !live_find(o->live, id, &b) || pid_of(o->threads, &b) != pid)
			continue;
		live_close(o->live, id, &b);
		end(o, id, &b, was);
		return true;
	}
	return false;
}

/* At the end of a trace: returns each block in turn, then clears everything. */
static bool end_all(struct open_blocks *o, size_t *cursor, struct mt_event *was)
{
	struct mt_event unused;

	if (open_blocks_each(o, cursor, was ? was : &unused))
		return true;
	open_blocks_clear(o);
	return false;
}

bool open_blocks_take(struct open_blocks *o, const struct mt_event *ev, size_t *cursor, struct mt_event *was)
{
	bool first = *cursor == 0;

	switch (ev->kind) {
	case MT_EXIT:
		return open_blocks_exit(o, ev->pid, cursor, was);
	case MT_END:
	case MT_HEADER:
		return end_all(o, cursor, was);
	default:
		*cursor = 1;
	}
	if (!first)
		return false;
	if (ev->kind == MT_RESIZE)
		open_blocks_resize(o, ev, NULL);
	return ev->kind == MT_ALLOC ? open_blocks_open(o, ev, was) :
	       ev->kind == MT_FREE && open_blocks_close(o, ev->id, was);
}

size_t open_blocks_count(const struct open_blocks *o)
{
	return live_count(o->live);
}

/* ---------------------------------------------------------------- the mark */

static void unmark(struct open_blocks *o)
{
	for (size_t i = 0; i < o->n_kept; i++)
		set_state(&o->log[o->kept[i].at], GONE);
	o->n_gone += o->n_kept;
	o->n_kept = 0;
	trim(o);
}

void open_blocks_mark(struct open_blocks *o)
{
	if (o->n_kept)
		unmark(o);
	o->marked = true;
	o->mark = o->n;
}

bool open_blocks_each_marked(const struct open_blocks *o, size_t *cursor, struct mt_event *ev)
{
	struct block b;

	while (*cursor < o->mark) {
		const struct entry *e = &o->log[(*cursor)++];
		if (state_of(e) == KEPT) {
			const struct kept *k = &o->kept[e->id];
			b = (struct block){ .size = k->size, .weight = k->weight, .thread = k->thread };
		} else if (state_of(e) == GONE || !live_find(o->live, e->id, &b)) {
			continue;
		}
		event_of(o, e, e->id, &b, ev);
		return true;
	}
	return false;
}

void open_blocks_clear(struct open_blocks *o)
{
	live_clear(o->live);
	owned_clear(&o->owned);
	o->n = o->n_gone = o->n_kept = o->mark = 0;
	o->marked = false;
	o->last_id = 0;
}

void open_blocks_begin(struct open_blocks *o, const struct mt_header *h)
{
	open_blocks_clear(o);
	o->answer = provenance_is_answer(h);
}
