/*
 * growth.c - courses, ages and verdicts: known ones, and random ones compared with the definitions
 */
#include "growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "error.h"

#define N 60

/* Returns the verdict on N samples, f(0) to f(N - 1). */
static enum growth_word judge(double (*f)(int i))
{
	uint64_t v[N];

	for (int i = 0; i < N; i++)
		v[i] = (uint64_t)(1e6 * f(i));
	return growth_judge(v, N);
}

static double noise(int i)
{
	return (i * 7919 % 101) / 101.;
}

static double even(int i) { return 1 + i; }
static double on_a_base(int i) { return 10000 + i; }
static double noisy(int i) { return 10 + i + 4 * noise(i); }
static double in_steps(int i) { return 1 + (int)(i / 10); }
static double ever_faster(int i) { return 1 + i * i; }
static double leak_under_saw(int i) { return 1 + i + i % 6 * 3; }
static double bounded(int i) { return i < 30 ? 1 + i : 31; }
static double one_by_one(int i) { return 100 - 100. / (1 + i); }
static double noisy_level(int i) { return i < 20 ? 1 + i : 21 + .5 * noise(i); }
static double saw(int i) { return 1 + i % 12; }
static double pulse(int i) { return i > 10 && i < 20 ? 9 : 1; }
static double busy(int i) { return 1 + 10 * noise(i); }
static double level(int i) { (void)i; return 5; }
static double rustling(int i) { return 100 + 5 * noise(i); }
static double released(int i) { return i < 30 ? 9 : 3; }
static double at_last(int i) { return i < 55 ? 5 : 9; }

static void words(void)
{
	CHECK("even growth is a leak, also on a large base",
	      judge(even) == GROWTH_LEAK && judge(on_a_base) == GROWTH_LEAK);
	CHECK("so is growth with noise, in steps, accelerating, or with a saw tooth",
	      judge(noisy) == GROWTH_LEAK && judge(in_steps) == GROWTH_LEAK && judge(ever_faster) == GROWTH_LEAK &&
		      judge(leak_under_saw) == GROWTH_LEAK);
	CHECK("growth that has levelled off is a cache",
	      judge(bounded) == GROWTH_CACHE && judge(one_by_one) == GROWTH_CACHE &&
		      judge(noisy_level) == GROWTH_CACHE);
	CHECK("rise and fall is garbage",
	      judge(saw) == GROWTH_GARBAGE && judge(pulse) == GROWTH_GARBAGE && judge(busy) == GROWTH_GARBAGE);
	CHECK("little change, or a release, is steady",
	      judge(level) == GROWTH_STEADY && judge(rustling) == GROWTH_STEADY && judge(released) == GROWTH_STEADY);
	CHECK("a single step at the end has no verdict", judge(at_last) == GROWTH_UNCLEAR);

	const uint64_t five[] = { 1, 2, 3, 4, 5 }, six[] = { 1, 2, 3, 4, 5, 6 };
	CHECK("five samples have no verdict, six have",
	      growth_judge(five, 5) == GROWTH_UNCLEAR && growth_judge(six, 6) == GROWTH_LEAK);
	CHECK("verdicts have texts",
	      strcmp(growth_word_text(GROWTH_LEAK), "leak") == 0 && strcmp(growth_word_text(GROWTH_UNCLEAR), "-") == 0);
}

/* Made now: where growth_reach() was called last with. */
static uint64_t now_ms;

static void reach(struct growth *g, uint64_t ms, bool over)
{
	growth_reach(g, now_ms = ms, over);
}

static uint32_t add(struct growth *g, uint32_t place, struct amount a)
{
	return growth_add(g, place, a, now_ms);
}

static void intervals(void)
{
	struct growth *g = growth_new(10, 8);
	uint32_t cohort[4];

	reach(g, 100, false);
	cohort[0] = add(g, 0, (struct amount){ 100, 1 });
	reach(g, 115, false);		/* 110: 100 */
	cohort[1] = add(g, 0, (struct amount){ 10, 2 });
	cohort[2] = add(g, 2, (struct amount){ 7, 1 });
	reach(g, 120, false);		/* 120: 110 and 7 */
	growth_sub(g, cohort[0], (struct amount){ 60, 0 });
	reach(g, 133, false);		/* 130: 50 and 7 */
	growth_sub(g, cohort[2], (struct amount){ 7, 1 });
	cohort[3] = add(g, 0, (struct amount){ 5, 1 });
	reach(g, 139, false);
	growth_end(g);

	struct growth_window w = growth_window(g);
	CHECK("the last interval extends to the end",
	      w.begin_ms == 100 && w.end_ms == 139 && w.every_ms == 10 && w.n == 3);
	CHECK("samples are the live bytes at the ends of intervals",
	      growth_sample(g, 0, 0) == 0 && growth_sample(g, 0, 1) == 100 && growth_sample(g, 0, 2) == 110 &&
		      growth_sample(g, 0, 3) == 55 && growth_sample(g, 2, 2) == 7 && growth_sample(g, 2, 3) == 0);
	struct grown a = growth_of(g, 0, 0), b = growth_of(g, 0, 1), c = growth_of(g, 2, 0), all = growth_of_all(g, 0);
	CHECK("growth is the difference between both ends",
	      a.before.bytes == 0 && a.now.bytes == 55 && a.now.count == 4 && a.rose == 2);
	CHECK("a warm-up is left out",
	      b.before.bytes == 100 && b.before.count == 1 && b.rose == 1 && b.low == 55 && b.high == 110);
	CHECK("the oldest block, and the median by blocks: ages 39, 24, 24, 6", a.oldest_ms == 39 && a.median_ms == 24);
	CHECK("a place without memory has no ages", c.now.count == 0 && c.oldest_ms == 0 && c.median_ms == 0);
	CHECK("all places together have sums and ages",
	      all.now.bytes == 55 && all.high == 117 && all.oldest_ms == 39 && growth_places(g) == 3);
	growth_free(g);
}

/* What is freed counts; what a process leaves, or what is freed after the course has ended, does not. */
static void freed(void)
{
	struct growth *g = growth_new(10, 8);
	uint32_t cohort[3];

	reach(g, 0, false);
	for (uint32_t i = 0; i < 3; i++)
		cohort[i] = add(g, i, (struct amount){ 100, 10 });
	growth_freed(g, cohort[0], (struct amount){ 30, 1 }, true);
	growth_freed(g, cohort[0], (struct amount){ 10, 1 }, false);
	growth_freed(g, cohort[1], (struct amount){ 5, 1 }, true);
	growth_sub(g, cohort[1], (struct amount){ 50, 5 });
	reach(g, 25, false);
	growth_hold(g);
	growth_freed(g, cohort[2], (struct amount){ 100, 10 }, true);
	growth_end(g);
	struct grown a = growth_of(g, 0, 2), b = growth_of(g, 1, 0), c = growth_of(g, 2, 0), all = growth_of_all(g, 0);
	CHECK("what the collector freed is a part of what was freed",
	      a.freed.bytes == 40 && a.freed.count == 2 && a.collected.bytes == 30 && a.collected.count == 1);
	CHECK("what a process leaves is not freed", b.freed.bytes == 5 && b.collected.bytes == 5 && b.now.bytes == 45);
	CHECK("nor what is freed after the course", c.freed.bytes == 0 && c.now.bytes == 100);
	CHECK("all places together", all.freed.bytes == 45 && all.collected.bytes == 35);
	growth_free(g);
}

/* 1000 blocks, one per millisecond: at most 8 intervals, with the samples that long intervals would have had. */
static void merging(void)
{
	struct growth *g = growth_new(1, 8);
	bool right = true;

	for (uint64_t ms = 0; ms < 1000; ms++) {
		reach(g, ms, false);
		add(g, ms >= 500 ? 1 : 0, (struct amount){ 1, 1 });
	}
	growth_end(g);
	struct growth_window w = growth_window(g);
	CHECK("intervals become twice as long when there are too many",
	      w.every_ms == 128 && w.n == 7 && w.end_ms == 999);
	for (uint32_t i = 0; i <= w.n; i++) {
		uint64_t ms = i < w.n ? i * w.every_ms : 1000, late = ms > 500 ? ms - 500 : 0;
		right = right && growth_sample(g, 0, i) == ms - late && growth_sample(g, 1, i) == late;
	}
	CHECK("their samples are the same", right);
	growth_free(g);

	g = growth_new(1, 64);
	reach(g, 5, false);
	add(g, 0, (struct amount){ 1, 1 });
	reach(g, INT64_MAX, false);
	growth_end(g);
	w = growth_window(g);
	CHECK("a very long gap is crossed at once",
	      w.end_ms == INT64_MAX && w.n >= 32 && w.n <= 64 && growth_sample(g, 0, w.n) == 1);
	growth_free(g);
}

static void endings(void)
{
	struct growth *g = growth_new(10, 64);

	reach(g, 0, false);
	uint32_t a = add(g, 0, (struct amount){ 10, 1 }), b = add(g, 1, (struct amount){ 20, 1 });
	reach(g, 12, false);
	growth_hold(g);
	growth_sub(g, a, (struct amount){ 10, 1 });
	reach(g, 25, false);		/* another process continues */
	reach(g, 33, false);
	growth_hold(g);
	growth_sub(g, b, (struct amount){ 20, 1 });
	reach(g, 100, true);
	growth_end(g);
	struct growth_window w = growth_window(g);
	CHECK("the course ends when the last processes begin to end", w.end_ms == 33 && w.n == 3);
	CHECK("memory of earlier processes is gone", growth_sample(g, 0, 1) == 10 && growth_sample(g, 0, 3) == 0);
	CHECK("the last one's memory still counts", growth_sample(g, 1, 3) == 20 && growth_of(g, 1, 0).oldest_ms == 33);
	growth_free(g);
}

/* With weights so large that sums overflow, nothing breaks. */
static void overflow(void)
{
	struct growth *g = growth_new(1, 8);
	uint32_t cohort[2];

	reach(g, 0, false);
	cohort[0] = add(g, 0, (struct amount){ 1, UINT64_MAX });
	cohort[1] = add(g, 0, (struct amount){ 1, 1 });
	reach(g, 3, false);
	add(g, 0, (struct amount){ 5, 1 });
	growth_sub(g, cohort[0], (struct amount){ 1, UINT64_MAX });
	growth_sub(g, cohort[1], (struct amount){ 1, 1 });
	growth_end(g);
	CHECK("counts that wrapped become right again",
	      growth_of(g, 0, 0).now.bytes == 5 && growth_of(g, 0, 0).now.count == 1);
	growth_free(g);
}

int main(void)
{
	program_name = "growth";
	words();
	intervals();
	freed();
	merging();
	endings();
	overflow();
	return check_done();
}
