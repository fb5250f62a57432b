/*
 * sizes.h - count allocations of each size, and make memray's histogram of them
 */
#ifndef SIZES_H
#define SIZES_H

#include <stddef.h>
#include <stdint.h>

struct sizes;

struct sizes *sizes_new(void);
void sizes_free(struct sizes *s);
void sizes_add(struct sizes *s, uint64_t size, uint64_t count);

#define HISTOGRAM_BINS 10

struct histogram {
	size_t n;		/* of bins: HISTOGRAM_BINS, or 0 if all blocks are empty */
	uint64_t min, max;	/* the smallest and the largest size */
	struct {
		uint64_t end;	/* the bin contains sizes below it; the last bin also its end */
		uint64_t count;
	} bins[HISTOGRAM_BINS];
};

/* Returns bins of equal width in the logarithm (memray: reporters/stats.py, get_histogram_databins). */
struct histogram sizes_histogram(const struct sizes *s);

#endif
