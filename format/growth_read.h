/*
 * growth_read.h - the growth of a trace's live memory, by place
 *
 * Memory: that of growth.h, replay.h and the stacks.
 */
#ifndef GROWTH_READ_H
#define GROWTH_READ_H

#include "amount.h"
#include "growth.h"
#include "origins.h"

struct grown_trace {
	struct growth *growth;		/* ended; its places are the numbers of origins */
	struct origins *origins;
	struct stacks *stacks;
	uint64_t rss;			/* resident size of all processes at the end of the course; 0: not known */
	char *command;			/* of the only process; NULL: not known */
	struct amount error;		/* of a sampled trace: the standard errors of what is live then (sampled.h) */
	bool collections;		/* the recorder saw which frees are the collector's of cycles */
};

/*
 * Reads `in` to its end, or to where it is damaged. Intervals have every_ms, until there are too many; 0: 32 to 64
 * intervals, however long it is. When the last processes begin to end, the course ends (memgrow(1)). Exits if out of
 * memory.
 */
struct grown_trace growth_read(struct mt_in *in, enum origins_by by, uint64_t every_ms);
/* The same of one process of the trace, as if there were no other. */
struct grown_trace growth_read_process(struct mt_in *in, enum origins_by by, uint32_t pid);
void growth_read_clear(struct grown_trace *t);

#endif
