/*
 * sizes.c - how often each size was allocated
 *
 * Small sizes, which are most, in an array; the others in an open-addressing
 * table, where size 0 is an empty slot.
 */
#include "sizes.h"

#include <math.h>
#include <stdlib.h>

#include "xmalloc.h"

#define SMALL 4096

struct entry {
	uint64_t size, count;
};

struct sizes {
	uint64_t small[SMALL];
	struct entry *large;
	size_t n_large, cap_large;	/* cap: 0 or a power of 2 */
};

struct sizes *sizes_new(void)
{
	return xcalloc(1, sizeof(struct sizes));
}

void sizes_free(struct sizes *s)
{
	if (!s)
		return;
	free(s->large);
	free(s);
}

static struct entry *find(const struct sizes *s, uint64_t size)
{
	size_t i = (size_t)((size * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (s->cap_large - 1);

	while (s->large[i].size && s->large[i].size != size)
		i = (i + 1) & (s->cap_large - 1);
	return &s->large[i];
}

static void grow(struct sizes *s)
{
	struct entry *old = s->large;
	size_t old_cap = s->cap_large;

	s->cap_large = old_cap ? 2 * old_cap : 256;
	s->large = xcalloc(s->cap_large, sizeof *s->large);
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].size)
			*find(s, old[i].size) = old[i];
	free(old);
}

void sizes_add(struct sizes *s, uint64_t size, uint64_t count)
{
	if (size < SMALL) {
		s->small[size] += count;
		return;
	}
	if (2 * (s->n_large + 1) > s->cap_large)
		grow(s);
	struct entry *e = find(s, size);
	s->n_large += e->size == 0;
	e->size = size;
	e->count += count;
}

/* Calls f for every size that occurred. */
static void each(const struct sizes *s, void (*f)(struct histogram *h, uint64_t size, uint64_t count, const double *arg),
		 struct histogram *h, const double *arg)
{
	for (uint64_t i = 0; i < SMALL; i++)
		if (s->small[i])
			f(h, i, s->small[i], arg);
	for (size_t i = 0; i < s->cap_large; i++)
		if (s->large[i].size)
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

/* a // b of Python, which is not floor(a / b) when the quotient rounds up to a whole number. */
static double floor_divide(double a, double b)
{
	double quotient = (a - fmod(a, b)) / b, whole = floor(quotient);

	return quotient - whole > .5 ? whole + 1 : whole;
}

/* scale: the logarithm where the first bin begins, and a bin's width. */
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
	for (size_t i = 0; i < h.n; i++)
		h.bins[i].end = i + 1 < h.n ? (uint64_t)exp(low + scale[1] * (double)(i + 1)) : h.max;
	each(s, take_bin, &h, scale);
	h.min = all.min;
	return h;
}
