/*
 * sampler.h - which blocks are recorded, with memrec --sample
 *
 * Poisson sampling by bytes: each byte allocated is a sampling point with probability 1 - exp(-1 / mean), whatever the
 * others are, and a block is recorded if any of its bytes is one. So a block of n bytes is recorded with probability
 * 1 - exp(-(n + WIRE_SAMPLE_MORE) / mean), independently of all others. Instead of drawing a number
 * for each block, each thread counts down to its next sampling point. Where a block contains it, the rest of the block
 * does not matter, and the distance to the next point is drawn anew: the geometric distribution has no memory.
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

extern uint8_t *sampler_counts;		/* in the ring: wire.h */

struct sampler_local {
	int64_t left;		/* bytes before this thread's next sampling point */
	uint32_t generation;	/* of the ring that this was initialised for */
	uint64_t random;	/* the state of its generator */
};
extern __thread struct sampler_local sampler_local __attribute__((tls_model("initial-exec")));

/* Called for each new ring, before recording begins. */
void sampler_begin(uint64_t mean, uint64_t seed, uint8_t *counts);
/* Called for a thread that is new to the ring of that generation: its number gives it random numbers of its own. */
void sampler_thread(uint32_t generation, uint32_t number);
/* Draws the next distance. */
COLD void sampler_next(void);
/* For a thread that is not recorded: its countdown takes very long. */
COLD void sampler_rest(void);
/* Counts a sampled block. Call it before the program gets the block. */
COLD void sampler_add(const void *p);

#define SAMPLER_BLOCK_MOST (UINT64_C(1) << 48)	/* no block is larger */

/* Takes the bytes of a block off the countdown. Returns whether a sampling point is among them. */
static inline bool sampler_is_due(size_t n)
{
	uint64_t bytes = n < SAMPLER_BLOCK_MOST ? n + WIRE_SAMPLE_MORE : SAMPLER_BLOCK_MOST;
	return UNLIKELY((sampler_local.left -= (int64_t)bytes) < 0);
}

/* Returns whether a block of n bytes is recorded. The thread must be known to the ring. */
static inline bool sampler_chooses(size_t n)
{
	if (LIKELY(!sampler_is_due(n)))
		return false;
	sampler_next();
	return true;
}

/* Returns false if the block at this address is certainly not a sampled one. */
static inline bool sampler_may_have(const void *p)
{
	return UNLIKELY(__atomic_load_n(&sampler_counts[wire_count_of((uintptr_t)p)], __ATOMIC_RELAXED) != 0);
}

#endif
