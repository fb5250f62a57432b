/*
 * growth.h - how the live memory of each place grew: its course over time, the ages of its blocks, a verdict
 *
 * The caller numbers the places from 0 and says what is allocated and freed; this takes a sample of every place
 * at the end of each interval. There are at most `most` intervals: when another one is needed, each two become one,
 * so that a trace of unknown length needs no more memory, and the intervals of a long one are as many.
 *
 * Ages need no walk over the live blocks: those of one place and one millisecond are a cohort, and a block's key in
 * replay.h is its cohort.
 *
 * Memory: 16 bytes for each interval of a place that held memory at the end of one; 32 for each cohort that is alive.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amount.h"

struct growth;

/* At most `most` intervals (even, at least 2), of every_ms at first. Exits if out of memory, as the others do. */
struct growth *growth_new(uint64_t every_ms, uint32_t most);
void growth_free(struct growth *g);

/*
 * Something happens at that time; times that go back are the present. The first call begins the first interval.
 * `over`: nothing that is alive will go on (growth_hold()).
 */
void growth_reach(struct growth *g, uint64_t time_ms, bool over);
/* An allocation by place `place` at the present. Returns its cohort, for growth_sub(). */
uint32_t growth_add(struct growth *g, uint32_t place, struct amount a);
/* What such a block lost, or all of it. */
void growth_sub(struct growth *g, uint32_t cohort, struct amount a);
/* Every place holds nothing from now on, and its cohorts mean nothing: another trace begins. */
void growth_void(struct growth *g);
/*
 * A process begins to end, and what it frees from now on tells nothing. If no interval ends any more before all
 * of them are over, the course ends here; otherwise it goes on.
 */
void growth_hold(struct growth *g);
/* The course ends: growth_of() may be asked. */
void growth_end(struct growth *g);

/* After growth_end(): the intervals, which end at begin_ms + every_ms, and so on; the last one ends at end_ms. */
struct growth_window {
	uint64_t begin_ms, end_ms, every_ms;
	uint32_t n;
};
struct growth_window growth_window(const struct growth *g);

enum growth_word {
	GROWTH_UNCLEAR,		/* too few samples, or nothing of the following */
	GROWTH_LEAK,		/* grows through all thirds of its course, with all that is freed */
	GROWTH_CACHE,		/* grew, and was level in the last third */
	GROWTH_GARBAGE,		/* rises and falls */
	GROWTH_STEADY,		/* does not grow */
	GROWTH_N_WORDS
};
/* "-", "leak", "cache", "garbage", "steady". */
const char *growth_word_text(enum growth_word w);
/* The verdict on n samples, the first of which is the first that is not 0. memgrow(1) defines it. */
enum growth_word growth_judge(const uint64_t *bytes, uint32_t n);

/* Of a place, from the end of interval `from` on (0: the beginning). */
struct grown {
	struct amount before, now;	/* at both ends of the course */
	uint64_t low, high;		/* least and most bytes at the ends of intervals */
	uint32_t rose;			/* intervals at whose end it held more bytes than at their beginning */
	uint64_t oldest_ms, median_ms;	/* ages of the live blocks; by weight */
	enum growth_word word;
};
/* Places are less than growth_places(). */
uint32_t growth_places(const struct growth *g);
struct grown growth_of(const struct growth *g, uint32_t place, uint32_t from);
/* The same of all places together. */
struct grown growth_of_all(const struct growth *g, uint32_t from);
/* Returns the bytes that the place held at the end of interval i (0: at the beginning). */
uint64_t growth_sample(const struct growth *g, uint32_t place, uint32_t i);

#endif
