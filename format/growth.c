/*
 * growth.c - the growth of each place's live memory
 */
#include "growth.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define NONE UINT32_MAX
#define MIN_SAMPLES 6		/* two for each third */

/* The live blocks that one place allocated in one millisecond. */
struct cohort {
	uint32_t place;		/* NONE: a free entry; born_ms is then the next free one */
	uint32_t blocks;	/* number, without weights, whose sums may overflow */
	uint64_t born_ms;
	struct amount live;
};

/* What the program has freed, and what of that its collector of cycles did. */
struct freed {
	struct amount all, collected;
};

/* A place. It has samples from boundary `first` on, the first one at which it held memory. */
struct course {
	struct amount live, end;	/* now; at the end of the window, once held or reached */
	struct freed freed, end_freed;	/* the same */
	uint32_t cohort;		/* the one that new blocks join; or NONE */
	uint32_t first;			/* boundary */
	struct amount *at;
	size_t n, cap;
};

struct growth {
	uint64_t every_ms, begin_ms, now_ms, end_ms;
	uint32_t most;
	uint32_t n;			/* boundaries so far, including the beginning; 0: not begun */
	bool held, ended;
	struct course *places;
	uint32_t n_places;
	size_t cap_places;
	struct cohort *cohorts, *end_cohorts;	/* end_cohorts: at the end of the window, like `end` */
	size_t n_cohorts, cap_cohorts, n_end_cohorts;
	uint32_t free_cohort;
	uint32_t *first_cohort;		/* of each place, in the sorted end_cohorts; one more at the end */
};

struct growth *growth_new(uint64_t every_ms, uint32_t most)
{
	struct growth *g = xcalloc(1, sizeof *g);

	g->every_ms = every_ms;
	g->most = most;
	g->free_cohort = NONE;
	return g;
}

void growth_free(struct growth *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->n_places; i++)
		free(g->places[i].at);
	free(g->places);
	free(g->cohorts);
	free(g->end_cohorts);
	free(g->first_cohort);
	free(g);
}

/* ---------------------------------------------------------------- samples */

/* Joins each two intervals. Their number is even. */
static void halve(struct growth *g)
{
	for (uint32_t i = 0; i < g->n_places; i++) {
		struct course *c = &g->places[i];
		uint32_t first = (c->first + 1) / 2;
		size_t n = 0;
		for (size_t k = 2 * (size_t)first - c->first; k < c->n; k += 2)
			c->at[n++] = c->at[k];
		c->first = first;
		c->n = n;
	}
	g->every_ms *= 2;
	g->n = (g->n - 1) / 2 + 1;
}

/* Ends an interval: samples the live memory of all places. */
static void sample(struct growth *g)
{
	for (uint32_t i = 0; i < g->n_places; i++) {
		struct course *c = &g->places[i];
		if (c->n == 0 && c->live.count == 0)
			continue;
		if (c->n == 0)
			c->first = g->n;
		GROW(c->at, c->n, c->cap);
		c->at[c->n++] = c->live;
	}
	g->n++;
}

static void cross_boundaries(struct growth *g, uint64_t time_ms)
{
	while (time_ms - g->begin_ms >= g->n * g->every_ms)
		if (g->n > g->most)
			halve(g);
		else
			sample(g);
}

void growth_reach(struct growth *g, uint64_t time_ms, bool over)
{
	if (g->n == 0) {
		g->begin_ms = g->now_ms = time_ms;
		g->n = 1;
	}
	if (time_ms <= g->now_ms || (g->held && over))
		return;
	g->now_ms = time_ms;
	if (time_ms - g->begin_ms < g->n * g->every_ms)
		return;
	g->held = false;
	cross_boundaries(g, time_ms);
}

/* ---------------------------------------------------------------- blocks */

static struct course *course_of(struct growth *g, uint32_t place)
{
	while (place >= g->n_places) {
		GROW(g->places, (size_t)g->n_places, g->cap_places);
		g->places[g->n_places++] = (struct course){ .cohort = NONE };
	}
	return &g->places[place];
}

static uint32_t new_cohort(struct growth *g, uint32_t place, uint64_t born_ms)
{
	uint32_t n = g->free_cohort;

	if (n != NONE) {
		g->free_cohort = (uint32_t)g->cohorts[n].born_ms;
	} else {
		GROW(g->cohorts, g->n_cohorts, g->cap_cohorts);
		n = (uint32_t)g->n_cohorts++;
	}
	g->cohorts[n] = (struct cohort){ .place = place, .born_ms = born_ms };
	return n;
}

static void end_cohort(struct growth *g, uint32_t n)
{
	g->cohorts[n] = (struct cohort){ .place = NONE, .born_ms = g->free_cohort };
	g->free_cohort = n;
}

/* Returns a new cohort for new blocks to join. The old one, which was kept even if empty, is freed if it is. */
static uint32_t next_cohort(struct growth *g, struct course *c, uint32_t place, uint64_t born_ms)
{
	if (c->cohort != NONE && g->cohorts[c->cohort].blocks == 0)
		end_cohort(g, c->cohort);
	c->cohort = new_cohort(g, place, born_ms);
	return c->cohort;
}

uint32_t growth_add(struct growth *g, uint32_t place, struct amount a, uint64_t born_ms)
{
	struct course *c = course_of(g, place);
	uint32_t n = c->cohort;

	if (n == NONE || g->cohorts[n].born_ms != born_ms)
		n = next_cohort(g, c, place, born_ms);
	amount_add(&c->live, a);
	amount_add(&g->cohorts[n].live, a);
	g->cohorts[n].blocks++;
	return n;
}

void growth_sub(struct growth *g, uint32_t cohort, struct amount a)
{
	struct cohort *of = &g->cohorts[cohort];
	struct course *c = &g->places[of->place];

	amount_sub(&c->live, a);
	amount_sub(&of->live, a);
	of->blocks -= a.count > 0;
	if (of->blocks == 0 && c->cohort != cohort)
		end_cohort(g, cohort);
}

void growth_freed(struct growth *g, uint32_t cohort, struct amount a, bool collected)
{
	struct freed *f = &g->places[g->cohorts[cohort].place].freed;

	amount_add(&f->all, a);
	if (collected)
		amount_add(&f->collected, a);
	growth_sub(g, cohort, a);
}

void growth_void(struct growth *g)
{
	for (uint32_t i = 0; i < g->n_places; i++) {
		g->places[i].live = (struct amount){ 0, 0 };
		g->places[i].cohort = NONE;
	}
	g->n_cohorts = 0;
	g->free_cohort = NONE;
}

/* ---------------------------------------------------------------- the end */

static void keep_end(struct growth *g)
{
	for (uint32_t i = 0; i < g->n_places; i++) {
		g->places[i].end = g->places[i].live;
		g->places[i].end_freed = g->places[i].freed;
	}
	g->end_ms = g->now_ms;
	g->n_end_cohorts = 0;
	g->end_cohorts = xreallocarray(g->end_cohorts, g->n_cohorts + 1, sizeof *g->end_cohorts);
	for (size_t i = 0; i < g->n_cohorts; i++)
		if (g->cohorts[i].place != NONE && g->cohorts[i].blocks)
			g->end_cohorts[g->n_end_cohorts++] = g->cohorts[i];
}

void growth_hold(struct growth *g)
{
	if (!g->held)
		keep_end(g);
	g->held = true;
}

static int by_place_and_age(const void *a, const void *b)
{
	const struct cohort *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->born_ms > y->born_ms) - (x->born_ms < y->born_ms);
}

/* A place's cohorts, the oldest first, become those from first_cohort[place] up to first_cohort[place + 1]. */
static void sort_cohorts(struct growth *g)
{
	size_t k = 0;

	qsort(g->end_cohorts, g->n_end_cohorts, sizeof *g->end_cohorts, by_place_and_age);
	g->first_cohort = xcalloc((size_t)g->n_places + 1, sizeof *g->first_cohort);
	for (uint32_t i = 0; i <= g->n_places; i++) {
		while (k < g->n_end_cohorts && g->end_cohorts[k].place < i)
			k++;
		g->first_cohort[i] = (uint32_t)k;
	}
}

/* Extends the last interval to the end of the course. */
static void end_last_interval(struct growth *g)
{
	uint32_t last = g->n > 1 ? g->n - 1 : 1;

	for (uint32_t i = 0; i < g->n_places; i++) {
		struct course *c = &g->places[i];
		if (c->n == 0)
			c->first = last;
		if (last - c->first == c->n) {
			GROW(c->at, c->n, c->cap);
			c->n++;
		}
		c->at[c->n - 1] = c->end;
	}
	g->n = last + 1;
}

void growth_end(struct growth *g)
{
	if (!g->held)
		keep_end(g);
	sort_cohorts(g);
	end_last_interval(g);
	g->ended = true;
}

/* ---------------------------------------------------------------- the verdict */

static const char *const words[GROWTH_N_WORDS] = {
	[GROWTH_UNCLEAR] = "-", [GROWTH_LEAK] = "leak", [GROWTH_CACHE] = "cache", [GROWTH_GARBAGE] = "garbage",
	[GROWTH_STEADY] = "steady",
};

const char *growth_word_text(enum growth_word w)
{
	return words[w];
}

/* The least and the largest of some samples. */
struct range {
	uint64_t low, high;
};

static struct range range_of(const uint64_t *v, uint32_t n)
{
	struct range r = { v[0], v[0] };

	for (uint32_t i = 1; i < n; i++) {
		r.low = v[i] < r.low ? v[i] : r.low;
		r.high = v[i] > r.high ? v[i] : r.high;
	}
	return r;
}

/* Lows and highs rise from third to third, and do not slow down at the end. */
static bool is_leak(const struct range third[3], uint64_t swing)
{
	if (!(third[0].low < third[1].low && third[1].low < third[2].low && third[0].high < third[1].high &&
	      third[1].high < third[2].high))
		return false;
	double lows = (double)(third[2].low - third[0].low), highs = (double)(third[2].high - third[0].high);
	double last = (double)(third[2].low - third[1].low) + (double)(third[2].high - third[1].high);
	return lows >= (double)swing / 3 && last >= (lows + highs) / 3;
}

/* All rises from sample to sample add up to at least half of the swing, and so do all falls. */
static bool rises_and_falls(const uint64_t *v, uint32_t n, uint64_t swing)
{
	double gained = 0, lost = 0;

	for (uint32_t i = 1; i < n; i++)
		if (v[i] > v[i - 1])
			gained += (double)(v[i] - v[i - 1]);
		else
			lost += (double)(v[i - 1] - v[i]);
	return gained >= (double)swing / 2 && lost >= (double)swing / 2;
}

enum growth_word growth_judge(const uint64_t *bytes, uint32_t n)
{
	if (n < MIN_SAMPLES)
		return GROWTH_UNCLEAR;
	const uint64_t *v = bytes;
	uint32_t m = n / 3;
	struct range all = range_of(v, n), third[3] = {
		range_of(v, m), range_of(v + m, m), range_of(v + 2 * m, n - 2 * m),
	};
	uint64_t swing = all.high - all.low;
	if (is_leak(third, swing))
		return GROWTH_LEAK;
	if (swing <= all.high / 10)
		return GROWTH_STEADY;
	if (rises_and_falls(v, n, swing))
		return GROWTH_GARBAGE;
	if (v[n - 1] <= v[0])
		return GROWTH_STEADY;
	return third[2].high - third[2].low <= (v[n - 1] - v[0]) / 10 ? GROWTH_CACHE : GROWTH_UNCLEAR;
}

/* ---------------------------------------------------------------- results */

struct growth_window growth_window(const struct growth *g)
{
	return (struct growth_window){ g->begin_ms, g->end_ms, g->every_ms, g->n > 1 ? g->n - 1 : 0 };
}

uint32_t growth_places(const struct growth *g)
{
	return g->n_places;
}

static struct amount amount_at(const struct growth *g, uint32_t place, uint32_t i)
{
	const struct course *c = &g->places[place];

	return i < c->first ? (struct amount){ 0, 0 } : c->at[i - c->first];
}

uint64_t growth_sample(const struct growth *g, uint32_t place, uint32_t i)
{
	return amount_at(g, place, i).bytes;
}

/* Computes the ages from n cohorts, the oldest first. */
static void find_ages(const struct growth *g, const struct cohort *c, size_t n, struct grown *row)
{
	uint64_t count = 0, before = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		count += c[i].live.count;
	row->oldest_ms = g->end_ms - c[0].born_ms;
	for (size_t i = 0; i < n; i++) {
		before += c[i].live.count;
		if (before >= count - count / 2) {
			row->median_ms = g->end_ms - c[i].born_ms;
			return;
		}
	}
}

/* Judges n samples. */
static void judge(const uint64_t *v, uint32_t n, struct grown *row)
{
	uint32_t first = 0;

	struct range all = range_of(v, n);

	row->low = all.low;
	row->high = all.high;
	for (uint32_t i = 1; i < n; i++)
		row->rose += v[i] > v[i - 1];
	while (first < n && v[first] == 0)
		first++;
	row->word = growth_judge(v + first, n - first);
}

struct grown growth_of(const struct growth *g, uint32_t place, uint32_t from)
{
	const struct course *c = &g->places[place];
	struct grown row = { .before = amount_at(g, place, from), .now = c->end, .freed = c->end_freed.all,
			     .collected = c->end_freed.collected };
	uint32_t n = g->n - from;
	uint64_t *v = xcalloc(n, sizeof *v);

	for (uint32_t i = 0; i < n; i++)
		v[i] = growth_sample(g, place, from + i);
	judge(v, n, &row);
	free(v);
	uint32_t first = g->first_cohort[place];
	find_ages(g, g->end_cohorts + first, g->first_cohort[place + 1] - first, &row);
	return row;
}

static int by_age(const void *a, const void *b)
{
	const struct cohort *x = a, *y = b;

	return (x->born_ms > y->born_ms) - (x->born_ms < y->born_ms);
}

struct grown growth_of_all(const struct growth *g, uint32_t from)
{
	struct grown row = { 0 };
	uint32_t n = g->n - from;
	uint64_t *v = xcalloc(n, sizeof *v);
	struct cohort *cohorts = xcalloc(g->n_end_cohorts + 1, sizeof *cohorts);

	for (uint32_t place = 0; place < g->n_places; place++) {
		amount_add(&row.before, amount_at(g, place, from));
		amount_add(&row.now, g->places[place].end);
		amount_add(&row.freed, g->places[place].end_freed.all);
		amount_add(&row.collected, g->places[place].end_freed.collected);
		for (uint32_t i = 0; i < n; i++)
			v[i] += growth_sample(g, place, from + i);
	}
	judge(v, n, &row);
	free(v);
	memcpy(cohorts, g->end_cohorts, g->n_end_cohorts * sizeof *cohorts);
	qsort(cohorts, g->n_end_cohorts, sizeof *cohorts, by_age);
	find_ages(g, cohorts, g->n_end_cohorts, &row);
	free(cohorts);
	return row;
}
