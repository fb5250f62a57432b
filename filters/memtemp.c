/*
 * memtemp.c - keep temporary allocations: those freed soon by the thread that made them
 *
 * In:    a trace (stdin or files)
 * Out:   the trace with only its temporary allocations, without their frees:
 *        each at the place of its free, with its own time and thread, and a
 *        new id (nothing is freed, so ids must not repeat)
 * Keeps: the last N + 1 allocations of each thread
 * Source: memray's definition (snapshot.cpp, TemporaryAllocationsAggregator):
 *        between the allocation and its free, by the same thread, that thread
 *        made at most N others. A block freed by another thread, or in parts,
 *        is not temporary.
 */
#include <stdlib.h>

#include "live.h"
#include "threads.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "threshold", 't', "N", "allow at most N other allocations by the thread in between (default: 1)",
	  .words = "freed after at most % others" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memtemp",
	.summary = "keep temporary allocations: those freed soon by the thread that made them",
	.title = "temporary allocations",
	.answer = true,
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memtemp | memsummary",
	.options = options,
};

/* An allocation that may still turn out to be temporary. */
struct recent {
	uint64_t size, weight, time_ms;
	uint64_t turn;		/* number of allocations that the thread had made before it */
	uint32_t id, stack;
	uint8_t allocator;
	bool open;
};

/* The last allocations of a thread, in a ring of `most`. */
struct window {
	struct recent *at;
	size_t n, cap, next;
	uint64_t turns;		/* allocations made by the thread so far, including those left out by a filter */
};

struct windows {
	size_t most;		/* N + 1 */
	struct threads *threads;
	struct window *of;	/* by thread number */
	size_t n, cap;
	struct live *live;	/* open blocks of all windows; block.thread: its window, block.key: its index there */
	uint32_t last_id;	/* the last id written */
	struct mt_event put;	/* the last event written */
};

static struct window *window_of(struct windows *w, uint32_t thread)
{
	while (w->n <= thread) {
		GROW(w->of, w->n, w->cap);
		w->of[w->n++] = (struct window){ 0 };
	}
	return &w->of[thread];
}

/* The thread has made so many others since that the block cannot be temporary any more. */
static void forget_block(struct windows *w, uint32_t thread, const struct recent *r, size_t at)
{
	struct block b;

	/* If the id was used again without a free, the live block may be another one. */
	if (live_find(w->live, r->id, &b) && b.thread == thread && b.key == at)
		(void)live_close(w->live, r->id, &b);
}

static void open_block(struct windows *w, const struct mt_event *ev)
{
	uint32_t thread = threads_number(w->threads, ev->pid, ev->tid);
	struct window *own = window_of(w, thread);

	if (own->n < w->most) {
		GROW(own->at, own->n, own->cap);
		own->n++;
	} else if (own->at[own->next].open) {
		forget_block(w, thread, &own->at[own->next], own->next);
	}
	own->at[own->next] = (struct recent){
		.size = ev->size,
		.weight = ev->weight,
		.time_ms = ev->time_ms,
		.turn = own->turns++,
		.id = ev->id,
		.stack = ev->stack,
		.allocator = ev->allocator,
		.open = true,
	};
	live_open(w->live, ev->id, &(struct block){ .weight = 1, .key = (uint32_t)own->next, .thread = thread }, NULL);
	if (++own->next == w->most)
		own->next = 0;
}

/* Takes a free, and returns the allocation it ends if that was temporary. */
static const struct recent *close_block(struct windows *w, const struct mt_event *ev)
{
	struct block b;

	if (!live_close(w->live, ev->id, &b))
		return NULL;
	const struct window *own = &w->of[b.thread];
	struct recent *r = &own->at[b.key];
	r->open = false;
	if (b.thread != threads_number(w->threads, ev->pid, ev->tid))
		return NULL;
	return own->turns - r->turn <= w->most ? r : NULL;
}

/* Reuses the last event, w->put: clearing a new one each time would cost more than everything else here. */
static int put_temporary(struct mt_out *out, struct windows *w, const struct mt_event *free_,
			 const struct recent *r)
{
	struct mt_event *ev = &w->put;

	ev->kind = MT_ALLOC;
	ev->allocator = r->allocator;
	ev->pid = free_->pid;
	ev->tid = free_->tid;
	ev->time_ms = r->time_ms;
	ev->id = ++w->last_id;
	ev->stack = r->stack;
	ev->size = r->size;
	ev->weight = r->weight;
	return mt_put(out, ev);
}

/* Another trace begins, whose ids are unrelated. */
static void forget(struct windows *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->of[i].n = w->of[i].next = w->of[i].turns = 0;
	live_clear(w->live);
	w->last_id = 0;
}

static int take(struct windows *w, const struct mt_event *ev, struct mt_out *out)
{
	const struct recent *r;

	switch (ev->kind) {
	case MT_ALLOC:
		open_block(w, ev);
		return 0;
	case MT_FREE:
		r = close_block(w, ev);
		return r ? put_temporary(out, w, ev, r) : 0;
	case MT_RESIZE:
		(void)close_block(w, ev);	/* freed in parts */
		return 0;
	case MT_SKIPPED:
		window_of(w, threads_number(w->threads, ev->pid, ev->tid))->turns += ev->count;
		return 0;
	case MT_HEADER:
		forget(w);
		return mt_put(out, ev);
	default:
		return mt_put(out, ev);
	}
}

int main(int argc, char **argv)
{
	struct windows w = { .most = 2 };

	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1; )
		if (c == 't')
			w.most = tool_number(optarg, "--threshold", 0, 1000000000) + 1;
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	struct mt_out *out = tool_output(&tool, in, argv);
	w.threads = threads_new();
	w.live = live_new();
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		if (take(&w, &ev, out) < 0)
			break;
	for (size_t i = 0; i < w.n; i++)
		free(w.of[i].at);
	free(w.of);
	live_free(w.live);
	threads_free(w.threads);
	return tool_finish(in, out);
}
