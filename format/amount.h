/*
 * amount.h - bytes and allocations, added up
 *
 * A trace's sizes and weights can add up to more than 64 bits hold. Sums wrap then, so that what is taken away
 * later leaves them right again, and that it happened is kept: tool_finish() says it, and the exit status is 1.
 */
#ifndef AMOUNT_H
#define AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct amount {
	uint64_t bytes, count;
};

/* Whether any sum, or product of a size and a weight, was too large. */
extern bool amount_overflowed;

/* Add to a sum of bytes or allocations. */
static inline void amount_sum(uint64_t *sum, uint64_t n)
{
	if (__builtin_expect(__builtin_add_overflow(*sum, n, sum), 0))
		amount_overflowed = true;
}

/* Of an allocation that stands for `weight` of them; bytes that do not fit are UINT64_MAX. */
static inline struct amount amount_of(uint64_t size, uint64_t weight)
{
	struct amount a = { .count = weight };

	if (__builtin_expect(__builtin_mul_overflow(size, weight, &a.bytes), 0)) {
		a.bytes = UINT64_MAX;
		amount_overflowed = true;
	}
	return a;
}

/* What such an allocation lost when `left` of its bytes stayed: bytes, and no allocation. */
static inline struct amount amount_lost(uint64_t size, uint64_t left, uint64_t weight)
{
	return (struct amount){ .bytes = amount_of(size, weight).bytes - amount_of(left, weight).bytes };
}

static inline void amount_add(struct amount *to, struct amount a)
{
	amount_sum(&to->bytes, a.bytes);
	amount_sum(&to->count, a.count);
}

static inline void amount_sub(struct amount *from, struct amount a)
{
	from->bytes -= a.bytes;
	from->count -= a.count;
}

#endif
