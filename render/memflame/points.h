/*
 * points.h - memory over time: the intervals between points at which allocations were alive, in one pass
 *
 * The run is divided into slices of equal time: at most 512, and in the end more
 * than 256 if it lasted that many milliseconds. Each slice has two points: its
 * maximum, the instant at which most bytes were alive (the last of equal ones),
 * and its end. An allocation is the interval from the first point at or after it
 * was made to the first point at or after it was freed. Allocations of one key
 * with equal intervals are one row. So one table answers exactly:
 *
 *	alive at point p			begin <= p < end
 *	allocated in slices i to j		2i <= begin <= 2j + 1
 *	and not freed in them			the same, and end > 2j + 1
 *
 * Slices are a millisecond long at first; whenever there are 512, each two are
 * joined into one, which keeps the higher of the two maxima.
 *
 * Memory: 16 bytes a live allocation, and 24 to 72 a row.
 *
 * Source: intervals between snapshots come from memray's temporal flame graphs;
 * memray takes snapshots every 10 ms, and none at the peak.
 */
#ifndef MEMFLAME_POINTS_H
#define MEMFLAME_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peak.h"

/* How an allocation ended. */
enum fate {
	FATE_FREED,	/* freed, or open at the end of the trace: a leak of any range that ends before its end */
	FATE_LEAKED,	/* its process ended, or its interpreter began to shut down, before it was freed */
	FATE_NO_LEAK,	/* made by an interpreter that was shutting down, or still live at an exec */
	FATE_TEMPORARY,	/* not a fate but a second row: this much of the memory that began at `begin` was temporary */
};

struct interval {
	uint32_t key;
	/* points: 2i is slice i's maximum, 2i + 1 its end. If equal, it was alive at no point */
	uint32_t begin, end;
	enum fate fate;
	struct amount amount;
};

struct slice {
	uint64_t most_ms;	/* time of the maximum; earlier than the slice if that began at its maximum */
	uint64_t most, last;	/* bytes alive then, and at its end */
	uint64_t rss;		/* most bytes resident in it; 0 = not sampled yet */
	uint64_t most_seq, end_seq;	/* private to points.c */
};

struct points;

/* Exits if out of memory, as all functions here do. */
struct points *points_new(void);
void points_free(struct points *p);

/* Sets the current time; an earlier time than the current one is ignored. */
void points_reach(struct points *p, uint64_t time_ms);
/* Returns a number for the next allocation. */
uint32_t points_number(struct points *p);
void points_begin(struct points *p, uint32_t number, uint32_t key, struct amount a);
/* The same for one that counts as alive at no point, however long it lives: its interval is empty. */
void points_begin_apart(struct points *p, uint32_t number, uint32_t key);
/* A part of the allocation ends. */
void points_shrink(struct points *p, uint32_t number, struct amount lost, enum fate fate);
/* The rest of the allocation, `left`, ends; its number will be reused. temporary: also counts it as temporary. */
void points_end(struct points *p, uint32_t number, struct amount left, enum fate fate, bool temporary);
/* Must follow each event that ended anything: the bytes alive now may be the maximum. */
void points_settle(struct points *p);
/* Return the number of events so far, and the number of the event that began an allocation. */
uint64_t points_now(const struct points *p);
uint64_t points_birth(const struct points *p, uint32_t number);
uint32_t points_key(const struct points *p, uint32_t number);
void points_rss(struct points *p, uint64_t rss);

/* At the end of the run: points_close(), points_leave() for each allocation still open, points_finish(). */
void points_close(struct points *p);
void points_leave(struct points *p, uint32_t number, struct amount left, enum fate fate);
void points_finish(struct points *p);

/* The results, after points_finish(). Intervals are ordered by key, begin, end. */
size_t points_slices(const struct points *p);
const struct slice *points_slice(const struct points *p, size_t i);
uint64_t points_slice_ms(const struct points *p);
size_t points_intervals(const struct points *p);
struct interval points_interval(const struct points *p, size_t i);
/* Returns the slice with the highest maximum; the last of equal ones. */
size_t points_highest(const struct points *p);

#endif
