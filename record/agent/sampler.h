/*
 * sampler.h - which blocks are recorded, with memrec --sample
 *
 * Poisson sampling by bytes: each byte allocated is a sampling point with probability 1 - exp(-1 / mean), whatever the
 * others are, and a block is recorded if any of its bytes is one. So a block of n bytes is recorded with probability
 * 1 - exp(-(n + WIRE_SAMPLE_MORE) / mean), independently of all others. Instead of drawing a number
 * for each block, each thread counts bytes up to its next sampling point. Where a block contains it, the rest of the
 * block does not matter, and the distance to the next point is drawn anew: the geometric distribution has no memory.
 * So it does no harm either to count bytes that are not allocated at all, if a point among them is ignored.
 *
 * Counting is one addition and one comparison, with a limit that serves three purposes. Each session has a lower one
 * than the last, so a thread that counted in an earlier session exceeds it. Fork wipes it, so a child exceeds it, too.
 * And a thread exceeds it after SAMPLER_STRIDE bytes if its next point is farther away, so what has to be looked after
 * from time to time needs no counter of its own.
 *
 * A sampled block represents 1 / probability blocks; the collector knows its size and computes that weight
 * (collect/samples.h).
 *
 * Source: the method is that of tcmalloc (docs/sampling.md) and jemalloc (doc_internal/PROFILING_INTERNALS.md, "Fast
 * Bernoulli sampling", which cites Vitter 1987).
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "agent.h"
#include "wire.h"

/* Bytes from one sampling point to the next, on average; 0: every block is recorded. Constant during a session. */
extern uint64_t sampler_mean;

extern uint8_t *sampler_counts OWN;		/* in the ring: wire.h */

/*
 * Why the C library's hooks must not leave out everything else for a block that is not sampled. 0: they may; then
 * nothing is recorded of calls below the real functions, and none of Python's allocators waits to be hooked.
 */
extern uint8_t sampler_obstacles OWN;
enum {
	SAMPLER_EVERY = 1,	/* every block is recorded */
	SAMPLER_ALLOCATOR = 2,	/* the real functions are not the C library's, and may call functions that are hooked */
	SAMPLER_UNSETTLED = 4,	/* Python's allocators are still being replaced */
	SAMPLER_FORKS = 8,	/* the limit cannot be wiped */
};

#define SAMPLER_STRIDE (UINT64_C(64) << 10)

struct sampler_local {
	uint64_t used;		/* above the limit: at a sampling point, at the end of a stride, or in no session yet */
	uint64_t limit;		/* with which the next two were drawn */
	uint64_t more;		/* bytes from the limit to this thread's next sampling point */
	uint64_t random;	/* the state of its generator */
};
extern __thread struct sampler_local sampler_local STATIC_TLS;

/* A page of its own. */
extern union sampler_wiped {
	uint64_t limit;		/* 0: in a forked child */
	uint8_t page[4096];
} sampler_wiped OWN;

/* Called for each new ring, before recording begins. */
void sampler_begin(uint64_t mean, uint64_t seed, uint8_t *counts);
/* Called once it has begun: from here on threads count for this session. */
void sampler_open(void);
/* Called for a thread that is new to the ring: its number gives it random numbers of its own. */
void sampler_thread(uint32_t number);
/* Draws the distance to the next point. */
COLD void sampler_next(void);
/* For a thread that counts while nothing is recorded. */
COLD void sampler_rest(void);
/* Counts a sampled block. Call it before the program gets the block. */
COLD void sampler_add(const void *p);
/* Takes a block that was never recorded off the counts. */
COLD void sampler_subtract(const void *p);

#define SAMPLER_BLOCK_MOST (UINT64_C(1) << 48)	/* no block is larger */

static inline uint64_t sampler_bytes(size_t n)
{
	return n < SAMPLER_BLOCK_MOST ? n + WIRE_SAMPLE_MORE : SAMPLER_BLOCK_MOST;
}

/* Counts bytes, at most 2^63. Returns whether the limit is exceeded: then count them with sampler_settle(), or not. */
static inline bool sampler_count(uint64_t bytes)
{
	return UNLIKELY((sampler_local.used += bytes) > sampler_wiped.limit);
}

static inline void sampler_uncount(uint64_t bytes)
{
	sampler_local.used -= bytes;
}

/* Returns whether sampler_count() would exceed the limit. */
static inline bool sampler_is_near(uint64_t bytes)
{
	return UNLIKELY(sampler_local.used + bytes > sampler_wiped.limit);
}

/* These bytes were counted, and the limit is exceeded. Returns whether a sampling point is among them. */
COLD bool sampler_settle(uint64_t bytes);

/* Returns whether a block of n bytes is recorded. The thread must be known to the ring. */
static inline bool sampler_chooses(size_t n)
{
	return sampler_count(sampler_bytes(n)) && sampler_settle(sampler_bytes(n));
}

/* Returns false if the block at this address is certainly not a sampled one. */
static inline bool sampler_may_have(const void *p)
{
	return UNLIKELY(__atomic_load_n(&sampler_counts[wire_count_of((uintptr_t)p)], __ATOMIC_RELAXED) != 0);
}

#endif
