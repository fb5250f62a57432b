/*
 * replay.h - the rules of a trace's life, for whoever adds up what is alive
 *
 * - An allocation with a live id ends the old one (live.h).
 * - A resize that grows is no event, nor is a resize or a free of nothing live (live.h).
 * - Sums count an allocation as often as its weight says (amount_of() in peak.h).
 * - A process that ends frees all it holds at once.
 * - In an answer (provenance.h) nothing is freed.
 * - A header voids everything.
 *
 * open_blocks.h is for those that need the allocations themselves, not their sums; it keeps the same rules.
 *
 * Memory: that of live.h.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "live.h"
#include "memtrace.h"
#include "peak.h"

/* Starts all zero; then replay_begin(). */
struct replay {
	struct live *live;	/* block.key: the caller's; block.thread: the process */
	bool answer;		/* this trace is an answer: nothing of it is open, nothing ends */
};

/* What an allocation has in the sums: all of one that ended or is open, or the part that it lost (count is 0). */
struct share {
	struct amount amount;
	uint32_t key, pid;
};

/* A trace with this header begins. Dies without memory, as replay_open() does. */
void replay_begin(struct replay *r, const struct mt_header *h);
void replay_clear(struct replay *r);

/* MT_ALLOC, with a key of yours. True: it ends the old one of its id, *old. */
bool replay_open(struct replay *r, const struct mt_event *ev, uint32_t key, struct share *old);
/* MT_FREE. False: nothing ends. */
bool replay_close(struct replay *r, uint32_t id, struct share *ended);
/* MT_RESIZE. False: nothing is lost. */
bool replay_resize(struct replay *r, const struct mt_event *ev, struct share *lost);
/*
 * MT_EXIT, and whatever else ends a process: each call ends one of the allocations that it holds; false: there are
 * no more. *cursor starts at 0. Those of no bytes end last: alone at the maximum they would seem to have ended before.
 */
bool replay_exit(struct replay *r, uint32_t pid, size_t *cursor, struct share *ended);
/* Walk what is open: *cursor starts at 0; false at the end. */
bool replay_each(const struct replay *r, size_t *cursor, struct share *open);
/* Whether that MT_EXIT is of a process that executed another program: the kernel freed what it held. */
bool replay_is_exec(const struct mt_event *exit_);

#endif
