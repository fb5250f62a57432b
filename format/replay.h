/*
 * replay.h - the rules of a trace's life, for programs that add up live blocks
 *
 * - An allocation with a live id ends the old one (live.h).
 * - A resize that grows is not an event, nor is a resize or a free of an id that is not live (live.h).
 * - Sums count an allocation as often as its weight says (amount_of() in peak.h).
 * - A process that ends frees everything it holds at once.
 * - In an answer (provenance.h) nothing is freed.
 * - A header voids everything.
 *
 * Programs that need the allocations themselves, not their sums, use open_blocks.h, which follows the same rules.
 *
 * Memory: live.h and owned.h.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "live.h"
#include "memtrace.h"
#include "owned.h"
#include "peak.h"
#include "sampled.h"

/* Starts all zero; then replay_begin(). */
struct replay {
	struct live *live;	/* block.key: the caller's; block.thread: the process */
	bool answer;		/* this trace is an answer: nothing is open, nothing ends */
	bool sampled;		/* its header says so; then these are kept: */
	struct variance live_variance;	/* of the open allocations of this trace, … */
	struct variance all_variance;	/* … of all that were given to replay_open(), of all traces */
	bool special;		/* either of both */
	struct owned owned;
	uint32_t *ending;	/* ids of the process that ends, if `owned` keeps ids */
	size_t n_ending;
};

/* An allocation's share of the sums: all of it if it ended or is open, or the part that it lost (count is 0). */
struct share {
	struct amount amount;
	uint32_t key, pid;
};

/* Begins a trace with this header. Exits if out of memory, as replay_open() does. */
void replay_begin(struct replay *r, const struct mt_header *h);
void replay_clear(struct replay *r);

/* MT_ALLOC, with the caller's key. Returns true if it ends an older allocation with its id, *old. */
bool replay_open(struct replay *r, const struct mt_event *ev, uint32_t key, struct share *old);
/* MT_FREE. Returns false if nothing ends. */
bool replay_close(struct replay *r, uint32_t id, struct share *ended);
/* MT_RESIZE. Returns false if it does not shrink an open allocation. */
bool replay_resize(struct replay *r, const struct mt_event *ev, struct share *lost);
/*
 * MT_EXIT, or any other end of a process: each call ends one of its allocations; returns false when there are no more.
 * *cursor starts at 0. Empty ones end last: if they ended first, the maximum would move to a moment without them.
 */
bool replay_exit(struct replay *r, uint32_t pid, size_t *cursor, struct share *ended);
/* Walks the open allocations: *cursor starts at 0; returns false at the end. */
bool replay_each(const struct replay *r, size_t *cursor, struct share *open);
/*
 * For programs that only look up blocks by their ids, as a census names them: keeps `live` up to date, also in an
 * answer, and forgets everything at a header. key: the caller's, of an MT_ALLOC; block.thread is the process. The
 * blocks of a process that has ended stay, as no later event names them.
 */
void replay_blocks(struct live *live, const struct mt_event *ev, uint32_t key);
/* Returns whether this MT_EXIT says that the process executed another program: the kernel freed all its memory. */
bool replay_is_exec(const struct mt_event *exit_);

#endif
