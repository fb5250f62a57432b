/*
 * mempeak.c - keep allocations live at the high-water mark
 *
 * In:    a trace (stdin or files)
 * Out:   the trace with those allocations only, without their frees, at its
 *        end, in the order they were made, each with its own time and thread;
 *        the rows that end processes come behind them, as nothing may
 * Keeps: the live set, what was freed since the high-water mark (held.h), and
 *        the ends of processes
 * Source: the definition is memray's (snapshot.cpp, HighWatermarkFinder): the
 *        last moment at which the live bytes were at their maximum
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "held.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "mempeak",
	.summary = "keep allocations live at the high-water mark",
	.title = "alive at the high-water mark",
	.answer = true,
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | mempeak | memtable",
	.options = options,
};

struct peak_finder {
	struct held *held;
	uint64_t bytes, most;	/* live now, and at the maximum */
	bool below;		/* now is not the maximum: that is what is marked */
	struct mt_event *exits;	/* in order; their info is ours */
	size_t n_exits, cap_exits;
};

static uint64_t bytes_of(uint64_t size, uint64_t weight)
{
	uint64_t bytes;

	return __builtin_mul_overflow(size, weight, &bytes) ? UINT64_MAX : bytes;
}

static void rise(struct peak_finder *f, uint64_t bytes)
{
	f->bytes += bytes;
	if (f->bytes < f->most)
		return;
	f->most = f->bytes;
	if (f->below)
		held_unmark(f->held);
	f->below = false;
}

/* Blocks are about to go. Where no bytes go at the maximum, it is the maximum still. */
static void fall(struct peak_finder *f, uint64_t bytes)
{
	f->bytes -= bytes;
	if (f->below || bytes == 0)
		return;
	f->below = true;
	held_mark(f->held);
}

static void close_block(struct peak_finder *f, uint32_t id)
{
	struct block b;

	if (!held_find(f->held, id, &b))
		return;
	fall(f, bytes_of(b.size, b.weight));
	held_close(f->held, id, &b);
}

static void open_block(struct peak_finder *f, const struct mt_event *ev)
{
	close_block(f, ev->id);
	held_open(f->held, ev);
	rise(f, bytes_of(ev->size, ev->weight));
}

static void resize_block(struct peak_finder *f, const struct mt_event *ev)
{
	struct block b;
	uint64_t gone;

	if (!held_find(f->held, ev->id, &b) || ev->size > b.size)
		return;
	fall(f, bytes_of(b.size, b.weight) - bytes_of(ev->size, b.weight));
	(void)held_resize(f->held, ev->id, ev->size, &b, &gone);
}

/*
 * A process is gone, and its memory with it. All of it goes at once: blocks of
 * no bytes last, as alone at the maximum they would seem to have gone before it.
 */
static void close_process(struct peak_finder *f, const struct mt_event *exit_)
{
	for (int empty = 0; empty <= 1; empty++) {
		struct mt_event ev;
		size_t cursor = 0;
		while (held_each(f->held, &cursor, &ev))
			if (ev.pid == exit_->pid && (ev.size == 0) == empty)
				close_block(f, ev.id);
	}
	GROW(f->exits, f->n_exits, f->cap_exits);
	char *info = xmalloc(exit_->info.n + 1);
	memcpy(info, exit_->info.p, exit_->info.n);
	f->exits[f->n_exits] = *exit_;
	f->exits[f->n_exits++].info.p = info;
}

static void put_exits(struct peak_finder *f, struct mt_out *out)
{
	for (size_t i = 0; i < f->n_exits; i++) {
		(void)mt_put(out, &f->exits[i]);	/* a failure sticks */
		free((char *)f->exits[i].info.p);
	}
	free(f->exits);
}

/* The trace is over: tell its answer, and be ready for another. */
static void answer(struct peak_finder *f, struct mt_out *out)
{
	struct mt_event ev;
	uint32_t id = 0;
	size_t cursor = 0;

	if (!f->below)
		held_mark(f->held);
	while (held_each_marked(f->held, &cursor, &ev)) {
		ev.id = ++id;
		if (mt_put(out, &ev) < 0)
			break;
	}
	put_exits(f, out);
	held_clear(f->held);
	*f = (struct peak_finder){ .held = f->held };
}

static int take(struct peak_finder *f, const struct mt_event *ev, struct mt_out *out)
{
	switch (ev->kind) {
	case MT_ALLOC:
		open_block(f, ev);
		return 0;
	case MT_FREE:
		close_block(f, ev->id);
		return 0;
	case MT_RESIZE:
		resize_block(f, ev);
		return 0;
	case MT_EXIT:
		close_process(f, ev);
		return 0;
	case MT_SKIPPED:
		return 0;	/* nothing stands between a thread's allocations any more */
	case MT_HEADER:
	case MT_END:
		answer(f, out);
		return mt_put(out, ev);
	default:
		return mt_put(out, ev);
	}
}

int main(int argc, char **argv)
{
	while (tool_getopt(&tool, argc, argv) != -1)
		;
	struct mt_in *in = tool_input(argc, argv);
	struct mt_out *out = tool_output(&tool, in, argv);
	struct peak_finder f = { .held = held_new() };
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		if (take(&f, &ev, out) < 0)
			break;
	answer(&f, out);	/* of a trace that was cut off; after an end there is nothing */
	held_free(f.held);
	return tool_finish(in, out);
}
