/*
 * peak.h - the high-water mark in one pass: the amount of each key when the sum was largest
 *
 * The moment is the last one at which the live bytes were at their maximum
 * (the last of equal peaks, as in memray: snapshot.cpp, HighWatermarkFinder).
 *
 * Method: while the sum rises from one maximum to the next, only the live
 * amounts are kept. When it falls from a maximum, an epoch begins; nothing is
 * copied. A key whose amount changes for the first time in an epoch saves the
 * old amount, which is its amount at the maximum.
 */
#ifndef PEAK_H
#define PEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amount.h"

/* The definition of the mark. Starts all zero. */
struct high_water {
	struct amount live, max;	/* now, and at the mark so far */
	bool below;			/* the mark is in the past */
};

static inline void high_water_add(struct high_water *w, struct amount a)
{
	amount_add(&w->live, a);
	if (w->live.bytes < w->max.bytes)
		return;
	w->max = w->live;
	w->below = false;
}

/* Removing only empty allocations at the maximum moves the mark to the present. */
static inline void high_water_sub(struct high_water *w, struct amount a)
{
	amount_sub(&w->live, a);
	w->below = w->below || a.bytes > 0;
	if (!w->below)
		w->max = w->live;
}

struct peak;

/* Exits if out of memory, as peak_add() and peak_settle() do. */
struct peak *peak_new(void);
void peak_free(struct peak *p);
/* Keys are small numbers chosen by the caller (they index an array). */
void peak_add(struct peak *p, uint32_t key, struct amount a);
void peak_sub(struct peak *p, uint32_t key, struct amount a);
/*
 * Ends a trace (another may follow, in joined files): adds its peak to the sums
 * and forgets the live amounts. So each of several traces counts at its own peak.
 */
void peak_settle(struct peak *p);
/* After peak_settle(): return one past the largest key, a key's sum, and the total. */
size_t peak_keys(const struct peak *p);
struct amount peak_at(const struct peak *p, uint32_t key);
struct amount peak_total(const struct peak *p);
/* Before peak_settle(): returns whether the live total is at its maximum. */
bool peak_is_now(const struct peak *p);
/* Before peak_settle(): return the live total now, and the maximum of this trace so far. */
struct amount peak_live(const struct peak *p);
struct amount peak_now(const struct peak *p);
/* The same for one key: live, and at the maximum. Keys are less than peak_live_keys(). */
size_t peak_live_keys(const struct peak *p);
struct amount peak_live_at(const struct peak *p, uint32_t key);
struct amount peak_now_at(const struct peak *p, uint32_t key);

#endif
