/*
 * sampler.c - which blocks are recorded, with memrec --sample
 */
#include "sampler.h"

#define PAGE 4096u
#define NEVER INT64_C(0x3fffffffffffffff)

uint64_t sampler_mean;
uint8_t *sampler_counts;
__thread struct sampler_local sampler_local __attribute__((tls_model("initial-exec")));

static uint64_t seed;

/*
 * Returns the number of bytes before the next sampling point: an exponentially distributed number of means, rounded
 * down, which makes it geometric. Only comparisons are needed, so neither a logarithm nor its rounding errors: while
 * random numbers decrease, count them; an odd count gives the first of them as the fraction, an even one adds 1 to the
 * whole part.
 *
 * Source: von Neumann, "Various Techniques Used in Connection with Random Digits", 1951.
 */
static int64_t draw(uint64_t *state)
{
	for (uint64_t whole = 0;; whole++) {
		uint64_t first = wire_random(state), last = first, n = 1;
		for (uint64_t next; (next = wire_random(state)) < last; n++)
			last = next;
		if (n & 1)
			return (int64_t)(whole * sampler_mean +
					 (uint64_t)((__extension__(unsigned __int128)first * sampler_mean) >> 64));
	}
}

/* The collector counts the pages of the counts as the agent's memory, so they are mapped at once. */
static void map_counts(void)
{
	for (uint32_t i = 0; i < WIRE_COUNTS; i += PAGE)
		(void)*(volatile uint8_t *)&sampler_counts[i];
}

void sampler_begin(uint64_t mean, uint64_t ring_seed, uint8_t *counts)
{
	sampler_mean = mean;
	sampler_counts = counts;
	seed = ring_seed;
	if (mean)
		map_counts();
}

void sampler_thread(uint32_t generation, uint32_t number)
{
	sampler_local.generation = generation;
	uint64_t state = seed + number;
	sampler_local.random = wire_random(&state);
	sampler_next();
}

COLD void sampler_next(void)
{
	sampler_local.left = draw(&sampler_local.random);
}

COLD void sampler_rest(void)
{
	sampler_local.left = NEVER;
}

COLD void sampler_add(const void *p)
{
	uint8_t *count = &sampler_counts[wire_count_of((uintptr_t)p)], was = __atomic_load_n(count, __ATOMIC_RELAXED);
	while (was < WIRE_COUNT_MOST &&
	       !__atomic_compare_exchange_n(count, &was, (uint8_t)(was + 1), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}
