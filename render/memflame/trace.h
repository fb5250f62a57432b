/*
 * trace.h - a trace, read for a page
 *
 * One pass. Of one trace the page can show any moment and any range (points.h).
 * Of joined traces, and of what a filter answered (provenance.h), it shows the one
 * sum of each stack that was asked for.
 */
#ifndef MEMFLAME_TRACE_H
#define MEMFLAME_TRACE_H

#include "keys.h"
#include "points.h"
#include "stacks.h"
#include "tally.h"
#include "threads.h"
#include "tree.h"

struct process {
	uint32_t pid;
	char *command;		/* "" = not known */
	uint64_t begin_ms, end_ms;	/* end: UINT64_MAX = not seen */
	uint64_t rss;
	uint64_t ending_seq;	/* points_now() when its interpreter began to end; UINT64_MAX = it has not */
	bool ended;
};

struct named_span {
	uint32_t pid;
	char *name;
	uint64_t begin_ms, end_ms;	/* UINT64_MAX = not ended */
};

struct lost {
	char *reason;
	uint64_t count;
};

struct recording {
	enum tally_what what;
	struct stacks *stacks;
	struct threads *threads;
	struct keys keys;
	struct points *points;		/* NULL: sums are all there is */
	struct amount *sums;		/* per key */
	size_t n_sums, cap_sums;
	char *title;			/* what was asked for, in words; with the filters before */
	char *filters;			/* those alone; "" = none */
	char *command, *host;
	uint64_t start_ns, end_ms;
	bool native, python_allocators;
	uint64_t allocators;		/* a bit for each that occurs */
	size_t n_traces;
	struct process *processes;
	size_t n_processes, cap_processes;
	struct named_span *spans;
	size_t n_spans, cap_spans;
	struct lost *lost;
	size_t n_lost, cap_lost;
};

/* Read `in` to its end. Dies without memory. */
struct recording *recording_read(struct mt_in *in, enum tally_what what);
void recording_free(struct recording *r);

/*
 * Put its stacks into the tree, with what was asked for as their bytes and counts:
 * of a recording with points, what was alive at the highest, was leaked, or was made.
 * Where there are several, frames of processes, threads and allocators are put around
 * them; of a process in any case with `processes`. The node of each key: the caller frees it.
 */
uint32_t *recording_plant(const struct recording *r, struct tree *t, bool processes);

#endif
