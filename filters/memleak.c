/*
 * memleak.c - keep allocations that were never freed
 *
 * In:    a trace (stdin or files)
 * Out:   the trace with only the allocations that were open when their process,
 *        or the trace, ended: at that end, in the order they were made, each
 *        with its own time and thread. For a Python process the end is the moment
 *        when its interpreter begins to free everything (ending.h). Memory that
 *        a process held when it executed another program has not leaked: the
 *        kernel freed it.
 * Keeps: the live set (open_blocks.h)
 */
#include <stdlib.h>
#include <unistd.h>

#include "ending.h"
#include "error.h"
#include "open_blocks.h"
#include "pids.h"
#include "provenance.h"
#include "replay.h"
#include "span.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "tail", 't', "TIME", "ignore allocations made in the last TIME (10%, 2s, 500ms) before the process ended",
	  .words = "ignoring the last %" },
	{ "to-the-end", 'e', NULL, "memory that Python frees while it shuts down counts as freed",
	  .words = "even at Python's shutdown" },
	{ "verbose", 'v', NULL, "print notes about the answer, even if standard error is not a terminal" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memleak",
	.summary = "keep allocations that were never freed",
	.title = "never freed",
	.answer = true,
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memleak --tail 10% | memtable",
	.options = options,
};

struct process {
	uint32_t pid;
	uint64_t begin_ms;
};

struct leaks {
	struct open_blocks *open;
	struct span tail;
	struct process *processes;	/* those that have begun and not ended */
	size_t n, cap;
	struct pids pids;		/* their places */
	uint64_t last_ms;
	uint32_t last_id;		/* the last id written */
	struct ending ending;
	bool to_the_end;		/* frees by an interpreter that shuts down count */
	bool has_python;		/* at least one process runs Python */
};

/* Returns the process of that pid; NULL if the trace has no beginning of it. */
static struct process *find_process(struct leaks *l, uint32_t pid)
{
	uint32_t n = *pids_number(&l->pids, pid);
	return n == PIDS_NONE ? NULL : &l->processes[n];
}

static void begin_process(struct leaks *l, const struct mt_event *ev)
{
	l->has_python = l->has_python || mt_info_text(ev->info, "python").n > 0;
	uint32_t *n = pids_number(&l->pids, ev->pid);
	if (*n != PIDS_NONE)
		return;		/* more about the same process */
	GROW(l->processes, l->n, l->cap);
	*n = (uint32_t)l->n++;
	l->processes[*n] = (struct process){ .pid = ev->pid, .begin_ms = ev->time_ms };
}

/* The last process takes its place in the array. */
static void end_process(struct leaks *l, uint32_t pid)
{
	uint32_t *n = pids_number(&l->pids, pid), place = *n;
	if (place == PIDS_NONE)
		return;
	*n = PIDS_NONE;
	l->processes[place] = l->processes[--l->n];
	if (place < l->n)
		*pids_number(&l->pids, l->processes[place].pid) = place;
}

/* Returns whether the allocation was made in the tail of its process, which ends now. */
static bool is_young(struct leaks *l, const struct mt_event *ev)
{
	if (l->tail.value <= 0)
		return false;
	const struct process *p = find_process(l, ev->pid);
	uint64_t begin_ms = p ? p->begin_ms : 0;
	uint64_t tail_ms = span_ms(&l->tail, l->last_ms > begin_ms ? l->last_ms - begin_ms : 0);
	return ev->time_ms + tail_ms >= l->last_ms;
}

static int put_leak(struct leaks *l, struct mt_event *ev, struct mt_out *out)
{
	if (is_young(l, ev))
		return 0;
	ev->id = ++l->last_id;
	return mt_put(out, ev);
}

/* At the end of a process: its blocks have leaked, unless it executed another program. */
static void settle_process(struct leaks *l, const struct mt_event *end, struct mt_out *out)
{
	struct mt_event ev;

	for (size_t cursor = 0; open_blocks_exit(l->open, end->pid, &cursor, &ev); )
		if (!replay_is_exec(end) && put_leak(l, &ev, out) < 0)
			break;
}

static void begin_trace(struct leaks *l, const struct mt_header *h)
{
	open_blocks_begin(l->open, h);
	ending_begin(&l->ending, h);
	l->n = l->last_id = 0;
	pids_clear(&l->pids);
	l->last_ms = 0;
}

/* At the end of the trace: all open blocks have leaked. */
static void settle(struct leaks *l, struct mt_out *out)
{
	struct mt_event ev;

	for (size_t cursor = 0; open_blocks_each(l->open, &cursor, &ev); )
		if (put_leak(l, &ev, out) < 0)
			break;
}

static int take(struct leaks *l, const struct mt_event *ev, struct mt_in *in, struct mt_out *out)
{
	if (ev->time_ms > l->last_ms)
		l->last_ms = ev->time_ms;
	switch (ev->kind) {
	case MT_ALLOC:
		if (ending_has(&l->ending, ev->pid))
			open_blocks_close(l->open, ev->id, NULL);	/* ends the last one with this id */
		else
			open_blocks_open(l->open, ev, NULL);
		return 0;
	case MT_FREE:
		open_blocks_close(l->open, ev->id, NULL);
		return 0;
	case MT_RESIZE:
		open_blocks_resize(l->open, ev, NULL);
		return 0;
	case MT_PROCESS:
		begin_process(l, ev);
		if (!l->to_the_end && ending_take(&l->ending, ev))
			settle_process(l, ev, out);
		return mt_put(out, ev);
	case MT_EXIT:
		ending_take(&l->ending, ev);
		settle_process(l, ev, out);
		end_process(l, ev->pid);
		return mt_put(out, ev);
	case MT_SKIPPED:
		return 0;	/* without frees, allocations in between have no meaning */
	case MT_HEADER:
	case MT_END:
		settle(l, out);
		begin_trace(l, mt_in_header(in));
		return mt_put(out, ev);
	default:
		return mt_put(out, ev);
	}
}

/* An arena is freed only with the last object in it, so most are never freed, whatever was freed in them. */
static void print_caveat(void)
{
	warn("Python keeps its arenas for small objects (up to 512 bytes) even when the objects are freed, so arenas "
	     "appear as leaks; 'memrec --trace-python-allocators' records the objects themselves");
}

int main(int argc, char **argv)
{
	struct leaks l = { .tail = { .value = 0 } };
	bool verbose = false;

	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1; )
		switch (c) {
		case 't':
			if (!parse_span(optarg, &l.tail))
				usage_die("--tail: '%s' is not a time (examples: 10%%, 2s, 500ms)", optarg);
			break;
		case 'e':
			l.to_the_end = true;
			break;
		case 'v':
			verbose = true;
			break;
		}
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	bool arenas_are_recorded = !mt_in_header(in)->python_allocators;
	struct mt_out *out = tool_output(&tool, in, argv);
	l.open = open_blocks_new();
	begin_trace(&l, mt_in_header(in));
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		if (take(&l, &ev, in, out) < 0)
			break;
	settle(&l, out);	/* for a trace that was cut off; after an end nothing is open */
	if (l.has_python && arenas_are_recorded && (verbose || isatty(STDERR_FILENO)))
		print_caveat();
	open_blocks_free(l.open);
	free(l.processes);
	pids_clear(&l.pids);
	ending_clear(&l.ending);
	return tool_finish(in, out);
}
