/*
 * samples.c - the sampled blocks of a process
 */
#include "samples.h"

#include <math.h>

#include "wire.h"

void sampling_next(struct sampling *s)
{
	uint64_t state = s->seed;
	s->seed = wire_random(&state);
}

void samples_init(struct samples *s, const struct sampling *how, uint8_t *counts)
{
	*s = (struct samples){ .mean = how->mean, .random = ~how->seed, .counts = counts };
}

uint64_t samples_weight(struct samples *s, uint64_t size)
{
	double weight = -1 / expm1(-((double)size + WIRE_SAMPLE_MORE) / (double)s->mean), whole = floor(weight);
	return (uint64_t)whole + ((double)(wire_random(&s->random) >> 11) * 0x1p-53 < weight - whole);
}

void samples_freed(struct samples *s, uint64_t addr)
{
	uint8_t *count = &s->counts[wire_count_of(addr)], was = __atomic_load_n(count, __ATOMIC_RELAXED);
	while (was > 0 && was < WIRE_COUNT_MOST &&
	       !__atomic_compare_exchange_n(count, &was, (uint8_t)(was - 1), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}
