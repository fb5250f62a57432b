/*
 * stats.h - the figures of memstats, and printing them
 */
#ifndef STATS_H
#define STATS_H

#include "memtrace.h"
#include "peak.h"
#include "resident.h"
#include "stacks.h"
#include "sizes.h"
#include "verdict.h"

/* Sorts of allocations. Only the first two are memory and count towards the high-water mark. */
enum sort { SORT_HEAP, SORT_ANONYMOUS, SORT_RESERVED, SORT_FILE, N_SORTS };

struct stats {
	char *title, *command, *python;		/* python: the interpreter's version; "" = not known */
	unsigned n_traces;
	bool native, python_allocators, follow_fork;
	uint64_t start_ns, end_ms;
	uint32_t pid;				/* of the first process; 0 = not known */

	struct amount all, freed, leaked, peak;	/* sums over joined traces */
	uint64_t sample_bytes;			/* of the first trace: the blocks were sampled; 0: they were not */
	struct amount all_error, peak_error;	/* then the standard errors (sampled.h) */
	uint64_t peak_ms;			/* of the last trace */
	/* bytes: memory at the high-water mark, the others at their own maximum */
	uint64_t sorts[N_SORTS];
	bool mappings;				/* sums of at least one trace count all mappings */
	uint64_t by_allocator[256];
	struct sizes *sizes;

	struct stacks *stacks;
	struct amount *at;			/* allocated, per stack; n of them */
	uint32_t n;

	uint64_t processes, threads, lost;
	uint64_t attached;		/* processes that ran before they were recorded */
	struct resident_sizes peak_resident;	/* each at its own maximum */
	uint64_t recorder_bytes;	/* of the agents, which peak_resident does not include */
	uint64_t end_heap;		/* before the last process of the last trace began to end */
	struct resident_sizes end_resident;	/* likewise */
	struct verdict verdict;
	uint64_t unknown_frees;	/* of blocks allocated before recording, or by a parent */
};

/* Prints text, with `top` places of each kind. */
void print_stats(const struct stats *s, size_t top);
/* Prints one JSON object, with memray's keys (reporters/stats.py) and ours. */
void print_stats_json(const struct stats *s, size_t top);

#endif
