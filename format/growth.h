/*
 * growth.h - the growth of each place's live memory: its course over time, the ages of its blocks, a verdict
 *
 * The caller numbers the places from 0 and reports allocations and frees; growth.c samples every place at the end of
 * each interval. There are at most `most` intervals: when another one is needed, each two are joined into one, so that
 * the number of intervals, and so the memory, does not depend on the length of the trace.
 *
 * Ages need no walk over the live blocks: those of one place and one millisecond are a cohort, and a block's key in
 * replay.h is its cohort.
 *
 * Memory: 16 bytes per interval of each place that ever held memory at the end of one; 32 per live cohort.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amount.h"

struct growth;

/* `most` must be even and at least 2; intervals are every_ms long at first. Exits if out of memory, as all do here. */
struct growth *growth_new(uint64_t every_ms, uint32_t most);
void growth_free(struct growth *g);

/*
 * Advances the time; an earlier time than the current one is ignored. The first call begins the first interval.
 * `over`: all processes have ended or are ending (growth_hold()).
 */
void growth_reach(struct growth *g, uint64_t time_ms, bool over);
/* Adds an allocation by `place`, live from now on and made at born_ms. Returns its cohort, for growth_sub(). */
uint32_t growth_add(struct growth *g, uint32_t place, struct amount a, uint64_t born_ms);
/* Removes such a block, or the part that it lost. */
void growth_sub(struct growth *g, uint32_t cohort, struct amount a);
/* The same for a block that the program freed; `collected`: its collector of cycles did. */
void growth_freed(struct growth *g, uint32_t cohort, struct amount a, bool collected);
/* Another trace begins: no place holds memory now, and old cohorts are void. */
void growth_void(struct growth *g);
/*
 * A process begins to end, and its frees from now on mean nothing. If no interval ends before all processes
 * are over, the course ends here; otherwise it continues.
 */
void growth_hold(struct growth *g);
/* Ends the course; the functions below may then be called. */
void growth_end(struct growth *g);

/* After growth_end(): the intervals, which end at begin_ms + every_ms, and so on; the last one ends at end_ms. */
struct growth_window {
	uint64_t begin_ms, end_ms, every_ms;
	uint32_t n;
};
struct growth_window growth_window(const struct growth *g);

enum growth_word {
	GROWTH_UNCLEAR,		/* too few samples, or none of the following */
	GROWTH_LEAK,		/* grows through all thirds of its course, despite frees */
	GROWTH_CACHE,		/* grew, and was level in the last third */
	GROWTH_GARBAGE,		/* rises and falls */
	GROWTH_STEADY,		/* does not grow */
	GROWTH_N_WORDS
};
/* Returns "-", "leak", "cache", "garbage" or "steady". */
const char *growth_word_text(enum growth_word w);
/* Returns the verdict on n samples, of which the first is not 0. memgrow(1) defines it. */
enum growth_word growth_judge(const uint64_t *bytes, uint32_t n);

/* The growth of a place from the end of interval `from` on (0: from the beginning). */
struct grown {
	struct amount before, now;	/* at both ends of the course */
	uint64_t low, high;		/* least and most bytes at the ends of intervals */
	uint32_t rose;			/* intervals at whose end it held more bytes than at their beginning */
	uint64_t oldest_ms, median_ms;	/* ages of the live blocks; by weight */
	/* What it freed in the whole course, the warm-up too, and what of that the collector of cycles did. */
	struct amount freed, collected;
	enum growth_word word;
};
/* Returns one past the largest place. */
uint32_t growth_places(const struct growth *g);
struct grown growth_of(const struct growth *g, uint32_t place, uint32_t from);
/* The same for all places together. */
struct grown growth_of_all(const struct growth *g, uint32_t from);
/* Returns the bytes that the place held at the end of interval i (0: at the beginning). */
uint64_t growth_sample(const struct growth *g, uint32_t place, uint32_t i);

#endif
