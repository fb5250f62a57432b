/*
 * samples.h - the sampled blocks of a process: their weights, and the counts that its agent reads
 *
 * A block of n bytes is recorded with probability p = 1 - exp(-(n + 16) / mean) (agent/sampler.h), so it represents
 * 1 / p blocks. The weight of a row is a whole number: 1 / p is rounded up or down at random, so that it is right on
 * average. Then sums of weights, and of sizes times weights, are unbiased whatever is summed: each block has the weight
 * of its own size, so that small blocks, which are rarely recorded, count for all those that are not. The variance of
 * such a sum is the expectation of the sum of size^2 weight (weight - 1), for numbers of allocations without the size;
 * that includes the rounding. (Horvitz and Thompson 1952, for independent draws.)
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

struct sampling {
	uint64_t mean;		/* bytes from one sampling point to the next; 0: every block is recorded */
	uint64_t seed;
};

/* Sets the seed of the next process, which is to have random numbers of its own. */
void sampling_next(struct sampling *s);

struct samples {
	uint64_t mean;
	uint8_t *counts;		/* in the ring: wire.h */
	uint64_t random;		/* the state of its generator, which is not the agent's */
};

void samples_init(struct samples *s, const struct sampling *how, uint8_t *counts);
/* Returns the weight of a block that was sampled. */
uint64_t samples_weight(struct samples *s, uint64_t size);
/* Takes a sampled block, whose free was applied, off the counts. */
void samples_freed(struct samples *s, uint64_t addr);

/* Returns the bytes that a block represents, at most what the table of blocks can store (addresses.h). */
static inline uint64_t samples_bytes(uint64_t size, uint64_t weight)
{
	uint64_t most = (UINT64_C(1) << 47) - 1, bytes;
	return __builtin_mul_overflow(size, weight, &bytes) || bytes > most ? most : bytes;
}

#endif
