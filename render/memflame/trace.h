/*
 * trace.h - read a trace for a page, in one pass
 *
 * From a single trace the page can show any moment and any range (points.h).
 * From joined traces, and from a filter's answer (provenance.h), it shows only one
 * sum per stack: the high-water mark, the leaks or the total, as requested.
 */
#ifndef MEMFLAME_TRACE_H
#define MEMFLAME_TRACE_H

#include "keys.h"
#include "pids.h"
#include "points.h"
#include "sources.h"
#include "resident.h"
#include "stacks.h"
#include "tally.h"
#include "threads.h"
#include "tree.h"

/* The recorder's spans: start-up and shutdown are shown separately. */
enum phase { PHASE_SCRIPT, PHASE_START_UP, PHASE_SHUTDOWN };

struct process {
	uint32_t pid;
	char *command;		/* "" = not known */
	uint64_t begin_ms, end_ms;	/* end: UINT64_MAX = not seen */
	uint64_t rss;
	uint64_t ending_seq;	/* points_now() when its interpreter began to shut down; UINT64_MAX = it has not */
	enum phase phase;	/* now; SCRIPT also for a process without phases */
	uint64_t script_ms, shutdown_ms;	/* when these phases began; UINT64_MAX: not yet */
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
	struct sources *sources;	/* NULL: source code is left out */
	struct threads *threads;
	struct keys keys;
	struct points *points;		/* NULL: only the sums are available */
	struct amount *sums;		/* per key; without points */
	size_t n_sums, cap_sums;
	uint32_t highest;		/* points_highest() */
	char *title;			/* of the sums, including the filters that the trace went through */
	char *filters;			/* only the filters; "" = none */
	char *command, *host;
	uint64_t start_ns, end_ms;
	bool native, python_allocators;
	uint64_t sample_bytes;		/* of the first trace; 0: every block was recorded */
	struct amount most, most_error;	/* of a sampled trace: its high-water mark, and standard errors (sampled.h) */
	bool has_phases;		/* of some process */
	uint64_t allocators;		/* a bit for each that occurs */
	size_t n_traces;
	struct process *processes;
	size_t n_processes, cap_processes;
	struct pids pids;	/* the last process of a pid */
	struct named_span *spans;
	size_t n_spans, cap_spans;
	struct lost *lost;
	size_t n_lost, cap_lost;
	struct resident_sizes most_memory;	/* of all processes together */
};

/* Reads `in` to its end, with or without source code. Exits if out of memory. */
struct recording *recording_read(struct mt_in *in, enum tally_what what, bool source);
void recording_free(struct recording *r);
/* Makes the commands of the recording and of its processes "". */
void recording_drop_commands(struct recording *r);
/* Frees what only recording_plant() needs: stacks, source code, threads and keys. */
void recording_planted(struct recording *r);

/* Returns whether an interval of its points is of the requested memory: at the high-water mark, leaked, or any. */
bool recording_wants(const struct recording *r, const struct interval *i);

/*
 * Adds the recording's stacks to the tree, with the requested memory as their bytes and counts. Adds frames for
 * processes, threads and allocators if there are several of them; for processes in any case if
 * `processes` is set. Returns the node of each key; the caller frees the array.
 */
uint32_t *recording_plant(const struct recording *r, struct tree *t, bool processes);

#endif
