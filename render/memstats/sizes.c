/*
 * sizes.c - count allocations of each size
 *
 * Small sizes, which are the most frequent, are counted in an array, the others in a table with an index.
 */
#include "sizes.h"

#include <math.h>
#include <stdlib.h>

#include "index.h"
#include "xmalloc.h"

#define SMALL 4096

struct entry {
	uint64_t size, count;
};

struct sizes {
	uint64_t small[SMALL];
	struct entry *large;
	uint32_t n_large;
	size_t cap_large;
	struct index index;		/* of the large ones */
};

struct sizes *sizes_new(void)
{
	return xcalloc(1, sizeof(struct sizes));
}

void sizes_free(struct sizes *s)
{
	if (!s)
		return;
	index_clear(&s->index);
	free(s->large);
	free(s);
}

static bool holds(const void *large, uint32_t n, const void *size)
{
	return ((const struct entry *)large)[n].size == *(const uint64_t *)size;
}

void sizes_add(struct sizes *s, uint64_t size, uint64_t count)
{
	if (size < SMALL) {
		s->small[size] += count;
		return;
	}
	uint32_t n = index_put(&s->index, index_hash(size, 0), holds, s->large, &size, s->n_large);
	if (n == s->n_large) {
		GROW(s->large, (size_t)n, s->cap_large);
		s->large[s->n_large++] = (struct entry){ .size = size };
	}
	s->large[n].count += count;
}

/* Calls f for every size that occurred. */
static void each(const struct sizes *s,
		 void (*f)(struct histogram *h, uint64_t size, uint64_t count, const double *arg), struct histogram *h,
		 const double *arg)
{
	for (uint64_t i = 0; i < SMALL; i++)
		if (s->small[i])
			f(h, i, s->small[i], arg);
	for (uint32_t i = 0; i < s->n_large; i++)
		f(h, s->large[i].size, s->large[i].count, arg);
}

static void take_extremes(struct histogram *h, uint64_t size, uint64_t count, const double *arg)
{
	(void)count;
	(void)arg;
	h->min = size < h->min ? size : h->min;
	h->max = size > h->max ? size : h->max;
}

static void take_smallest(struct histogram *h, uint64_t size, uint64_t count, const double *arg)
{
	if (size)
		take_extremes(h, size, count, arg);
}

/* a // b in Python, which differs from floor(a / b) when the quotient rounds up to a whole number. */
static double floor_divide(double a, double b)
{
	double quotient = (a - fmod(a, b)) / b, whole = floor(quotient);

	return quotient - whole > .5 ? whole + 1 : whole;
}

/* scale: the logarithm at which the first bin begins, and the width of a bin. */
static void take_bin(struct histogram *h, uint64_t size, uint64_t count, const double *scale)
{
	double bin = 0;

	if (size)
		bin = scale[1] > 0 ? floor_divide(log((double)size) - scale[0], scale[1]) : HISTOGRAM_BINS;
	if (bin < 0)
		bin = 0;
	h->bins[bin < HISTOGRAM_BINS ? (size_t)bin : HISTOGRAM_BINS - 1].count += count;
}

struct histogram sizes_histogram(const struct sizes *s)
{
	struct histogram h = { .min = UINT64_MAX }, all = { .min = UINT64_MAX };

	each(s, take_smallest, &h, NULL);
	each(s, take_extremes, &all, NULL);
	if (h.max == 0) {
		h.min = 0;
		return h;
	}
	double low = log((double)h.min), high = log((double)h.max);
	if (low == high)
		low /= 2;
	double scale[] = { low, (high - low) / HISTOGRAM_BINS };
	h.n = HISTOGRAM_BINS;
	for (size_t i = 0; i < h.n; i++) {
		double end = i + 1 < h.n ? exp(low + scale[1] * (double)(i + 1)) : HUGE_VAL;
		h.bins[i].end = end < (double)h.max ? (uint64_t)end : h.max;
	}
	each(s, take_bin, &h, scale);
	h.min = all.min;
	return h;
}
