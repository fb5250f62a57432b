/*
 * sampled.h - the standard errors of sums in a trace of which only a sample of the blocks was recorded
 *
 * A row of weight w stands for w allocations, of which it is the one that was chosen, independently of all others.
 * Sums count it w times; the variance of such a sum is estimated without bias by the sum of size^2 w (w - 1), that of a
 * number of allocations by the sum of w (w - 1) (memtrace(5), SAMPLING). So rows of weight 1 add nothing.
 */
#ifndef SAMPLED_H
#define SAMPLED_H

#include "amount.h"

__extension__ typedef unsigned __int128 sampled_square;

/* Starts all zero. In whole numbers, so that what is added and subtracted again leaves nothing. */
struct variance {
	sampled_square bytes, count;
};

/* Returns the variance that one row adds whose amount (amount_of()) is this. */
static inline struct variance variance_of(struct amount a)
{
	uint64_t size = a.count ? a.bytes / a.count : 0;

	return (struct variance){ .bytes = (sampled_square)a.bytes * (a.bytes - (a.count ? size : a.bytes)),
				  .count = (sampled_square)a.count * (a.count - (a.count > 0)) };
}

static inline void variance_add(struct variance *to, struct variance v)
{
	to->bytes += v.bytes;
	to->count += v.count;
}

static inline void variance_sub(struct variance *from, struct variance v)
{
	from->bytes -= v.bytes;
	from->count -= v.count;
}

/* Returns the standard errors of bytes and allocations, rounded. */
struct amount variance_error(struct variance v);

/* Returns "sampled, 1 in 512 KiB", for such a header's sample_bytes; the caller frees it. Exits if out of memory. */
char *sampled_text(uint64_t sample_bytes);

#endif
