/*
 * mempeak.c - keep allocations live at the high-water mark
 *
 * In:    a trace (stdin or files)
 * Out:   the trace with only those allocations, without their frees, at its
 *        end, in the order they were made, each with its own time and thread;
 *        then the rows that end processes, which no event of theirs may follow
 * Keeps: the live set, the blocks freed since the high-water mark (open_blocks.h),
 *        and the ends of processes
 * Source: the definition is memray's (snapshot.cpp, HighWatermarkFinder): the
 *        last moment at which the live bytes were at their maximum
 */
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "open_blocks.h"
#include "peak.h"
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
	struct open_blocks *open;	/* marked at the maximum */
	struct high_water water;
	struct ending ending;
	struct mt_event *exits;	/* in order; each info is a copy */
	size_t n_exits, cap_exits;
};

/* Called after each change of the open blocks. */
static void note_peak(struct peak_finder *f)
{
	if (!f->water.below)
		open_blocks_mark(f->open);
}

static void close_block(struct peak_finder *f, uint32_t id)
{
	struct mt_event was;

	if (!open_blocks_close(f->open, id, &was))
		return;
	high_water_sub(&f->water, amount_of(was.size, was.weight));
	note_peak(f);
}

static void open_block(struct peak_finder *f, const struct mt_event *ev)
{
	struct mt_event old;

	if (ending_has(&f->ending, ev->pid)) {
		close_block(f, ev->id);	/* should its last one not have been freed */
		return;
	}
	if (open_blocks_open(f->open, ev, &old))
		high_water_sub(&f->water, amount_of(old.size, old.weight));
	high_water_add(&f->water, amount_of(ev->size, ev->weight));
	note_peak(f);
}

static void resize_block(struct peak_finder *f, const struct mt_event *ev)
{
	struct mt_event was;

	if (!open_blocks_resize(f->open, ev, &was))
		return;
	high_water_sub(&f->water, amount_lost(was.size, ev->size, was.weight));
	note_peak(f);
}

/* Ends all blocks of a process, and keeps its exit row for later. */
static void close_process(struct peak_finder *f, const struct mt_event *exit_)
{
	struct mt_event was;

	for (size_t cursor = 0; open_blocks_exit(f->open, exit_->pid, &cursor, &was); )
		high_water_sub(&f->water, amount_of(was.size, was.weight));
	note_peak(f);
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

static void begin_trace(struct peak_finder *f, const struct mt_header *h)
{
	open_blocks_begin(f->open, h);
	ending_begin(&f->ending, h);
	*f = (struct peak_finder){ .open = f->open, .ending = f->ending };
}

/* At the end of a trace: writes its answer, and prepares for the trace with this header. */
static void answer(struct peak_finder *f, const struct mt_header *next, struct mt_out *out)
{
	struct mt_event ev;
	uint32_t id = 0;
	size_t cursor = 0;

	while (open_blocks_each_marked(f->open, &cursor, &ev)) {
		ev.id = ++id;
		if (mt_put(out, &ev) < 0)
			break;
	}
	put_exits(f, out);
	begin_trace(f, next);
}

static int take(struct peak_finder *f, const struct mt_event *ev, struct mt_in *in, struct mt_out *out)
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
	case MT_PROCESS:
		ending_take(&f->ending, ev);
		return mt_put(out, ev);
	case MT_EXIT:
		ending_take(&f->ending, ev);
		close_process(f, ev);
		return 0;
	case MT_SKIPPED:
		return 0;	/* without frees, allocations in between have no meaning */
	case MT_HEADER:
	case MT_END:
		answer(f, mt_in_header(in), out);
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
	mt_in_memory_only(in);
	struct mt_out *out = tool_output(&tool, in, argv);
	struct peak_finder f = { .open = open_blocks_new() };
	begin_trace(&f, mt_in_header(in));
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		if (take(&f, &ev, in, out) < 0)
			break;
	answer(&f, mt_in_header(in), out);	/* for a trace that was cut off; after an end nothing is marked */
	open_blocks_free(f.open);
	ending_clear(&f.ending);
	return tool_finish(in, out);
}
