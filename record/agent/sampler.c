/*
 * sampler.c - which blocks are recorded, with memrec --sample
 */
#include "sampler.h"

#include <sys/auxv.h>
#include <sys/mman.h>

#include "system_call.h"

#define PAGE 4096u
#define FIRST_LIMIT (UINT64_C(1) << 62)
#define UNKNOWN (UINT64_C(1) << 63)	/* above every limit, with every block added to it */

uint64_t sampler_mean;
uint8_t *sampler_counts, sampler_obstacles = SAMPLER_EVERY | SAMPLER_ALLOCATOR;
union sampler_wiped sampler_wiped __attribute__((aligned(4096)));
__thread struct sampler_local sampler_local STATIC_TLS = { .used = UNKNOWN };

static uint64_t seed, limit = FIRST_LIMIT;

/*
 * Returns the number of bytes before the next sampling point: an exponentially distributed number of means, rounded
 * down, which makes it geometric. Only comparisons are needed, so neither a logarithm nor its rounding errors: while
 * random numbers decrease, count them; an odd count gives the first of them as the fraction, an even one adds 1 to the
 * whole part.
 *
 * Source: von Neumann, "Various Techniques Used in Connection with Random Digits", 1951.
 */
static uint64_t draw(uint64_t *state)
{
	for (uint64_t whole = 0;; whole++) {
		uint64_t first = wire_random(state), last = first, n = 1;
		for (uint64_t next; (next = wire_random(state)) < last; n++)
			last = next;
		if (n & 1)
			return whole * sampler_mean +
			       (uint64_t)((__extension__(unsigned __int128)first * sampler_mean) >> 64);
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

/* Has fork wipe the limit. Only where a page has the size of ours, as it would wipe its neighbours otherwise. */
static bool is_wiped(void)
{
	static bool known, can;
	if (!known)
		can = getauxval(AT_PAGESZ) == sizeof sampler_wiped &&
		      system_call(SYS_madvise, &sampler_wiped, sizeof sampler_wiped, MADV_WIPEONFORK) == 0;
	known = true;
	return can;
}

void sampler_open(void)
{
	uint8_t obstacles = sampler_obstacles & (uint8_t)~(SAMPLER_EVERY | SAMPLER_FORKS);
	if (!sampler_mean) {
		sampler_obstacles = obstacles | SAMPLER_EVERY;
		return;
	}
	limit -= 2 * SAMPLER_STRIDE;
	__atomic_store_n(&sampler_wiped.limit, limit, __ATOMIC_RELEASE);
	sampler_obstacles = obstacles | (is_wiped() ? 0 : SAMPLER_FORKS);
}

/* The limit is as many bytes away, or a stride. */
static void set_distance(uint64_t bytes)
{
	struct sampler_local *l = &sampler_local;
	uint64_t stride = bytes < SAMPLER_STRIDE ? bytes : SAMPLER_STRIDE;
	l->limit = sampler_wiped.limit;
	l->used = l->limit - stride;
	l->more = bytes - stride;
}

void sampler_thread(uint32_t number)
{
	uint64_t state = seed + number;
	sampler_local = (struct sampler_local){ .used = UNKNOWN, .random = wire_random(&state) };
}

COLD void sampler_next(void)
{
	set_distance(draw(&sampler_local.random));
}

COLD bool sampler_settle(uint64_t bytes)
{
	struct sampler_local *l = &sampler_local;
	if (l->limit != sampler_wiped.limit) {	/* the first bytes of this thread in this session */
		sampler_next();
		l->used += bytes;
	}
	if (l->used <= l->limit)
		return false;
	uint64_t beyond = l->used - l->limit;
	if (beyond > l->more) {
		sampler_next();
		return true;
	}
	set_distance(l->more - beyond);
	return false;
}

COLD void sampler_rest(void)
{
	if (sampler_wiped.limit == 0)	/* a child that is not recorded */
		sampler_wiped.limit = limit;
	sampler_local.limit = sampler_wiped.limit;
	sampler_local.used = sampler_local.limit - SAMPLER_STRIDE;
	sampler_local.more = 0;
}

COLD void sampler_add(const void *p)
{
	uint8_t *count = &sampler_counts[wire_count_of((uintptr_t)p)], was = __atomic_load_n(count, __ATOMIC_RELAXED);
	while (was < WIRE_COUNT_MOST &&
	       !__atomic_compare_exchange_n(count, &was, (uint8_t)(was + 1), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}

COLD void sampler_subtract(const void *p)
{
	uint8_t *count = &sampler_counts[wire_count_of((uintptr_t)p)], was = __atomic_load_n(count, __ATOMIC_RELAXED);
	while (was > 0 && was < WIRE_COUNT_MOST &&
	       !__atomic_compare_exchange_n(count, &was, (uint8_t)(was - 1), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}
