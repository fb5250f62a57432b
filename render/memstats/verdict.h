/*
 * verdict.h - why resident memory is as large as it is, by the last census of each process
 *
 * Memory: that of pins.h for each process with a census.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "live.h"
#include "pids.h"
#include "pins.h"

enum verdict_kind {
	VERDICT_NONE,		/* there was no census with pages */
	VERDICT_IN_USE,		/* most of it is live */
	VERDICT_FRAGMENTATION,	/* live blocks pin free memory */
	VERDICT_CACHE,		/* the allocator keeps free memory that no live block pins */
	VERDICT_UNKNOWN,	/* only a sample of the blocks is known */
};

struct verdict {
	enum verdict_kind kind;
	uint64_t resident, unused, trim;	/* bytes of anonymous memory; trim: malloc_trim(3) would return them */
};

struct census_of {
	uint32_t pid;
	struct pins pins;
};

/* Starts all zero. */
struct judge {
	struct census_of *at;
	size_t n, cap;
	struct pids pids;	/* their places */
};

/*
 * Takes MT_CENSUS, MT_BLOCKS and MT_PAGES. `live` has the live blocks, with their processes as block.thread; those
 * whose keys are not is_memory() do not count.
 */
void judge_take(struct judge *j, const struct mt_event *ev, const struct live *live, bool (*is_memory)(uint32_t key));
/* A new trace begins: its processes are others. */
void judge_begin(struct judge *j);
struct verdict judge_verdict(struct judge *j, bool sampled);
void judge_clear(struct judge *j);

#endif
