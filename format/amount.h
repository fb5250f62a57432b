/*
 * amount.h - sums of bytes and allocations
 *
 * A trace's sizes and weights can add up to more than 64 bits hold. Sums then wrap, so that later subtractions make
 * them right again, and amount_overflowed is set: tool_finish() reports it, and the exit status is 1.
 */
#ifndef AMOUNT_H
#define AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct amount {
	uint64_t bytes, count;
};

/* Set if a sum, or the product of a size and a weight, was too large. */
extern bool amount_overflowed;

/* Adds n to a sum of bytes or allocations. */
static inline void amount_sum(uint64_t *sum, uint64_t n)
{
	if (__builtin_expect(__builtin_add_overflow(*sum, n, sum), 0))
		amount_overflowed = true;
}

/* Returns a number that is not negative without its fraction; one that does not fit becomes UINT64_MAX. */
static inline uint64_t amount_rounded(long double n)
{
	if (n < 0x1p64L)
		return (uint64_t)n;
	amount_overflowed = true;
	return UINT64_MAX;
}

/* Returns the amount of an allocation that represents `weight` of them; bytes that do not fit become UINT64_MAX. */
static inline struct amount amount_of(uint64_t size, uint64_t weight)
{
	struct amount a = { .count = weight };

	if (__builtin_expect(__builtin_mul_overflow(size, weight, &a.bytes), 0)) {
		a.bytes = UINT64_MAX;
		amount_overflowed = true;
	}
	return a;
}

/* Returns the amount that such an allocation loses when it shrinks to `left` bytes; its count is 0. */
static inline struct amount amount_lost(uint64_t size, uint64_t left, uint64_t weight)
{
	return (struct amount){ .bytes = amount_of(size, weight).bytes - amount_of(left, weight).bytes };
}

static inline void amount_add(struct amount *to, struct amount a)
{
	amount_sum(&to->bytes, a.bytes);
	amount_sum(&to->count, a.count);
}

/* The same for a sum that is part of one that amount_add() adds up, and so too large only if that is. */
static inline void amount_add_part(struct amount *to, struct amount a)
{
	to->bytes += a.bytes;
	to->count += a.count;
}

static inline void amount_sub(struct amount *from, struct amount a)
{
	from->bytes -= a.bytes;
	from->count -= a.count;
}

#endif
