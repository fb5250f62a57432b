/*
 * stats.h - what memstats counts, and how it is told
 */
#ifndef STATS_H
#define STATS_H

#include "memtrace.h"
#include "peak.h"
#include "stacks.h"
#include "sizes.h"

/* What an allocation's bytes are: the first two are memory, whose high-water mark is the trace's. */
enum sort { SORT_HEAP, SORT_ANONYMOUS, SORT_RESERVED, SORT_FILE, N_SORTS };

struct stats {
	char *title, *command, *python;		/* python: the interpreter's version; "" = not known */
	unsigned n_traces;
	bool native, python_allocators, follow_fork;
	uint64_t start_ns, end_ms;
	uint32_t pid;				/* of the first process; 0 = not known */

	struct amount all, freed, leaked, peak;	/* of joined traces: the sums */
	uint64_t peak_ms;			/* of the last trace */
	/* bytes: of memory at the high-water mark, of the others at their own */
	uint64_t sorts[N_SORTS];
	bool mappings;				/* of a trace at least: all mappings are counted */
	uint64_t by_allocator[256];
	struct sizes *sizes;

	struct stacks *stacks;
	struct amount *at;			/* allocated, per stack; n of them */
	uint32_t n;

	uint64_t processes, threads, peak_rss, lost;
	uint64_t unknown_frees;	/* of what was allocated before recording, or by a parent */
};

/* As text; `top` places of each kind. */
void print_stats(const struct stats *s, size_t top);
/* As one JSON object, with memray's keys (reporters/stats.py) and ours. */
void print_stats_json(const struct stats *s, size_t top);

#endif
