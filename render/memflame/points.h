/*
 * points.h - what was alive when: memory between the points of a run, in one pass
 *
 * The run is divided into slices of equal time, at most 512, at the end more
 * than 256 if it lasted so many milliseconds. Each has two points: the instant
 * at which most was alive in it (of equal ones the last), and its end. An
 * allocation is the interval from the first point at or after it was made to the
 * first at or after it was freed; allocations of one key with equal intervals
 * are one row. So one table answers exactly
 *
 *	what was alive at point p		begin <= p < end
 *	what was made in slices i to j		2i <= begin <= 2j + 1
 *	what of that was not freed in them	those, and end > 2j + 1
 *
 * Slices begin with a millisecond each; when there are 512, every two become
 * one, which keeps the higher of the two instants.
 *
 * Memory: 16 bytes a live allocation, and 24 to 72 a row.
 *
 * Source: the idea of intervals between snapshots is memray's (temporal flame
 * graphs); there snapshots are every 10 ms, and none is at the peak.
 */
#ifndef MEMFLAME_POINTS_H
#define MEMFLAME_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peak.h"

/* What became of an allocation when its process ended. */
enum fate {
	FATE_FREED,	/* it was freed before, or is open at the end of the trace: leaked where its end lies beyond */
	FATE_LEAKED,	/* its process ended, or its interpreter began to, before it was freed */
	FATE_NO_LEAK,	/* made by an interpreter that was ending; or another program took the process over */
	FATE_TEMPORARY,	/* no fate but a second row: so much of what began at `begin` was temporary */
};

struct interval {
	uint32_t key;
	/* points: 2i is slice i's instant of most, 2i + 1 its end. Equal: alive at none of them */
	uint32_t begin, end;
	enum fate fate;
	struct amount amount;
};

struct slice {
	uint64_t most_ms;	/* when most was alive; before the slice if that was so when it began */
	uint64_t most, last;	/* bytes alive then, and at its end */
	uint64_t rss;		/* most bytes that were resident in it; 0 = not sampled yet */
	uint64_t most_seq, end_seq;	/* points.c's */
};

struct points;

/* Dies without memory, as all here do. */
struct points *points_new(void);
void points_free(struct points *p);

/* It is so late now. Time that goes back stands still. */
void points_reach(struct points *p, uint64_t time_ms);
/* A number for an allocation that begins next. */
uint32_t points_number(struct points *p);
void points_begin(struct points *p, uint32_t number, uint32_t key, struct amount a);
/* A part of it is freed. */
void points_shrink(struct points *p, uint32_t number, struct amount lost);
/* All of it (what is left) ends; its number will be given again. temporary: it counts as that, too. */
void points_end(struct points *p, uint32_t number, struct amount left, enum fate fate, bool temporary);
/* After each event that ended anything: what is alive now may be the most. */
void points_settle(struct points *p);
/* How many events there were; an allocation's, when it began. */
uint64_t points_now(const struct points *p);
uint64_t points_birth(const struct points *p, uint32_t number);
uint32_t points_key(const struct points *p, uint32_t number);
void points_rss(struct points *p, uint64_t rss);

/* The run is over: points_close(), points_leave() for each that is still open, points_finish(). */
void points_close(struct points *p);
void points_leave(struct points *p, uint32_t number, struct amount left, enum fate fate);
void points_finish(struct points *p);

/* After points_finish(). Intervals are in the order of key, begin, end. */
size_t points_slices(const struct points *p);
const struct slice *points_slice(const struct points *p, size_t i);
uint64_t points_slice_ms(const struct points *p);
size_t points_intervals(const struct points *p);
struct interval points_interval(const struct points *p, size_t i);
/* The slice in which most was alive; of equal ones the last. */
size_t points_highest(const struct points *p);

#endif
