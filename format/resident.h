/*
 * resident.h - the memory of processes as the system sees it, of each and of all together
 *
 * Memory: 65 to 90 bytes per process.
 */
#ifndef RESIDENT_H
#define RESIDENT_H

#include "memtrace.h"
#include "pids.h"

/* Bytes; 0: not sampled yet. */
struct resident_sizes {
	uint64_t rss;		/* every resident page, in each process that maps it */
	uint64_t private;	/* pages that no other process maps */
	uint64_t proportional;	/* each page divided by the number of processes that map it */
	uint64_t swap;		/* the same of pages that are swapped out */
};

/* Starts all zero. */
struct resident {
	struct pids pids;		/* places in `of` */
	struct resident_sizes *of;	/* all 0: the process has ended */
	size_t n, cap;
	struct resident_sizes all;	/* their sums */
};

/*
 * Takes MT_RSS, MT_MEMORY and MT_EXIT. Returns whether it was one of them; other kinds are ignored. Exits if out of
 * memory.
 */
bool resident_take(struct resident *r, const struct mt_event *ev);
/* Returns the sizes of a process that resident_take() has seen, valid until it sees another one. */
const struct resident_sizes *resident_of(struct resident *r, uint32_t pid);
/* Raises each size of `most` to at least that of `now`. */
void resident_raise(struct resident_sizes *most, const struct resident_sizes *now);
/* Forgets all processes. */
void resident_clear(struct resident *r);

#endif
