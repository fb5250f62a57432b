/*
 * sampler.c - blocks are sampled with the probability that memtrace(5) gives, and their weights make sums unbiased
 *
 * Both sides of --sample in one process, with a seed per run: nothing here depends on chance.
 * With the argument N it prints the figures of N runs instead.
 */
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../format/sampled.h"
#include "../../record/agent/sampler.h"
#include "../../record/collect/samples.h"

#define RUNS 400

static uint8_t counts[WIRE_COUNTS];

/* Sums over sampled blocks, and the true ones. */
struct sums {
	struct amount seen, all;
	struct variance variance;
	uint64_t n;		/* sampled blocks */
};

static void begin(uint64_t mean, uint64_t seed)
{
	sampler_begin(mean, seed, counts);
	sampler_open();
	sampler_thread(0);
}

static void allocate(struct sums *s, struct samples *weights, uint64_t size, uint64_t times)
{
	for (uint64_t i = 0; i < times; i++) {
		amount_add(&s->all, amount_of(size, 1));
		if (!sampler_chooses(size))
			continue;
		struct amount a = amount_of(size, samples_weight(weights, size));
		amount_add(&s->seen, a);
		variance_add(&s->variance, variance_of(a));
		s->n++;
	}
}

/* One run: sizes as programs have them, in turn. A class of sizes for each i. */
enum { TINY, SMALL, MEDIUM, NEAR, LARGE, EMPTY, N_CLASSES };
static const struct { uint64_t size, times; } classes[N_CLASSES] = {
	[TINY] = { 28, 300000 }, [SMALL] = { 500, 60000 }, [MEDIUM] = { 20000, 2000 },
	[NEAR] = { 500000, 60 }, [LARGE] = { 5000000, 12 }, [EMPTY] = { 0, 4000 },
};

static void run(struct sums sums[N_CLASSES], uint64_t mean, uint64_t seed)
{
	struct sampling how = { .mean = mean, .seed = seed };
	struct samples weights;

	sampling_next(&how);
	samples_init(&weights, &how, counts);
	begin(mean, how.seed);
	memset(sums, 0, N_CLASSES * sizeof *sums);
	for (int turn = 0; turn < 4; turn++)
		for (int i = 0; i < N_CLASSES; i++)
			allocate(&sums[i], &weights, classes[i].size, classes[i].times / 4);
}

/* How far estimates are from the truth, in standard errors. */
struct score {
	double sum, squares, most;
	unsigned n, beyond_3;
};

static void score(struct score *s, uint64_t seen, uint64_t all, uint64_t error)
{
	double z = error ? ((double)seen - (double)all) / (double)error : seen == all ? 0 : 99;

	s->sum += z;
	s->squares += z * z;
	s->most = fabs(z) > s->most ? fabs(z) : s->most;
	s->beyond_3 += fabs(z) > 3;
	s->n++;
}

/* The bytes and the numbers of all blocks, of small ones and of large ones. */
struct figures { struct score bytes, count, tiny, near; };

static struct figures runs(uint64_t mean, unsigned n)
{
	struct figures f = { 0 };

	for (unsigned seed = 1; seed <= n; seed++) {
		struct sums s[N_CLASSES], total = { 0 };
		run(s, mean, seed);
		for (int i = 0; i < N_CLASSES; i++) {
			amount_add(&total.seen, s[i].seen);
			amount_add(&total.all, s[i].all);
			variance_add(&total.variance, s[i].variance);
		}
		struct amount error = variance_error(total.variance);
		score(&f.bytes, total.seen.bytes, total.all.bytes, error.bytes);
		score(&f.count, total.seen.count, total.all.count, error.count);
		score(&f.tiny, s[TINY].seen.count, s[TINY].all.count, variance_error(s[TINY].variance).count);
		score(&f.near, s[NEAR].seen.bytes, s[NEAR].all.bytes, variance_error(s[NEAR].variance).bytes);
	}
	return f;
}

/* No bias: the mean is near 0. The right standard error: the mean of squares is near 1. */
static bool is_right(const struct score *s)
{
	double n = s->n, mean = s->sum / n, square = s->squares / n;

	return fabs(mean) < 4 / sqrt(n) && square > .75 && square < 1.3 && s->beyond_3 <= 3 + n / 100;
}

static void print(const char *what, const struct score *s)
{
	printf("%-28s mean %+.3f, mean square %.3f, most %.2f standard errors, %u of %u beyond 3\n", what,
	       s->sum / s->n, s->squares / s->n, s->most, s->beyond_3, s->n);
}

static int print_figures(unsigned n)
{
	struct figures f = runs(512 << 10, n);

	print("bytes", &f.bytes);
	print("allocations", &f.count);
	print("allocations of 28 bytes", &f.tiny);
	print("bytes in blocks of 500 kB", &f.near);
	return 0;
}

/* The mean of estimates over many runs, without standard errors in it: these are smaller where fewer were sampled. */
static bool is_unbiased(int class, uint64_t mean)
{
	double sum = 0, squares = 0, all = 0;

	for (unsigned seed = 1; seed <= RUNS; seed++) {
		struct sums s[N_CLASSES];
		run(s, mean, seed);
		double off = (double)s[class].seen.count - (all = (double)s[class].all.count);
		sum += off;
		squares += off * off;
	}
	return fabs(sum) <= 3.5 * sqrt(squares) && sqrt(squares / RUNS) < all;
}

/* The share of blocks that are sampled, against 1 - exp(-(n + 16) / mean). */
static bool has_probability(uint64_t size, uint64_t mean, unsigned n)
{
	double p = -expm1(-((double)size + WIRE_SAMPLE_MORE) / (double)mean), hits = 0;

	begin(mean, 7);
	for (unsigned i = 0; i < n; i++)
		hits += sampler_chooses(size);
	return fabs(hits - n * p) < 3.5 * sqrt(n * p * (1 - p)) + 1e-9;
}

/*
 * What the hooks do: some blocks are only looked at, some counted twice, of which the first time does not matter.
 * Returns the share of blocks that are sampled, in standard errors from the right one.
 */
static double share_off(uint64_t size, uint64_t mean, unsigned n)
{
	double p = -expm1(-((double)size + WIRE_SAMPLE_MORE) / (double)mean), hits = 0;

	begin(mean, 11);
	for (unsigned i = 0; i < n; i++) {
		uint64_t bytes = size + WIRE_SAMPLE_MORE;
		if (sampler_count(bytes)) {
			sampler_uncount(bytes);
			(void)sampler_chooses(size);
		}
		hits += sampler_is_near(bytes) && sampler_chooses(size);
		if (!sampler_is_near(bytes))
			(void)sampler_count(bytes);
	}
	return (hits - n * p) / sqrt(n * p * (1 - p));
}

/* A thread that was in an earlier session, or is in a forked child, finds the limit exceeded at once. */
static bool sessions_differ(void)
{
	begin(UINT64_C(1) << 40, 3);
	(void)sampler_chooses(100);
	bool far = !sampler_is_near(1000);
	sampler_begin(1, 3, counts);
	sampler_open();
	bool new_session = sampler_is_near(0) && sampler_chooses(100) && sampler_chooses(100);
	begin(UINT64_C(1) << 40, 3);
	(void)sampler_chooses(100);
	sampler_wiped.limit = 0;
	bool child = sampler_is_near(0);
	sampler_rest();
	bool rests = !sampler_is_near(1000);
	sampler_open();
	return far && new_session && child && rests && sampler_is_near(0);
}

/* Draws it anew. */
static uint64_t distance(void)
{
	sampler_next();
	return sampler_local.limit - sampler_local.used + sampler_local.more;
}

/* Distances beyond a stride are no shorter for it. */
static bool strides_add_up(void)
{
	uint64_t bytes = 0, far;

	begin(UINT64_C(1) << 30, 5);
	far = distance();
	while (!sampler_chooses(100))
		bytes += 100 + WIRE_SAMPLE_MORE;
	return far > 2 * SAMPLER_STRIDE && bytes <= far && far - bytes < 100 + WIRE_SAMPLE_MORE;
}

static bool follows_seed(void)
{
	struct sums a[N_CLASSES], b[N_CLASSES], c[N_CLASSES];

	run(a, 4096, 5);
	run(b, 4096, 5);
	run(c, 4096, 6);
	return memcmp(a, b, sizeof a) == 0 && memcmp(a, c, sizeof a) != 0;
}

static void *first_distance(void *to)
{
	sampler_thread(1);
	*(uint64_t *)to = distance();
	return NULL;
}

static bool threads_differ(void)
{
	pthread_t thread;
	uint64_t other = 0;

	begin(1 << 20, 9);
	pthread_create(&thread, NULL, first_distance, &other);
	pthread_join(thread, NULL);
	return other != distance();
}

static bool counts_are_kept(void)
{
	struct samples s;
	const char *p = (const char *)0x7f0012345670;

	sampler_begin(4096, 1, counts);
	samples_init(&s, &(struct sampling){ 4096, 1 }, counts);
	bool good = !sampler_may_have(p);
	sampler_add(p);
	sampler_add(p + 64);
	samples_freed(&s, (uintptr_t)p);
	good = good && sampler_may_have(p) && !sampler_may_have(p + 4096);
	samples_freed(&s, (uintptr_t)p + 64);
	good = good && !sampler_may_have(p);
	samples_freed(&s, (uintptr_t)p);	/* a damaged ring: it does not wrap */
	return good && !sampler_may_have(p);
}

static bool full_count_stays(void)
{
	struct samples s;
	const char *p = (const char *)0x7f0012345670;

	samples_init(&s, &(struct sampling){ 4096, 1 }, counts);
	for (unsigned i = 0; i < WIRE_COUNT_MOST + 5; i++)
		sampler_add(p);
	for (unsigned i = 0; i < WIRE_COUNT_MOST + 5; i++)
		samples_freed(&s, (uintptr_t)p);
	return sampler_may_have(p);
}

/* Neighbours have counts of their own, and an address far away seldom the same one. */
static bool counts_are_spread(void)
{
	static uint8_t seen[WIRE_COUNTS];
	unsigned same = 0;

	for (uint64_t page = 0; page < 1 << 16; page++)
		same += seen[wire_count_of(0x7f0000000000 + page * 4096)]++ > 0;
	return same < (1 << 16) / 4;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return print_figures((unsigned)atoi(argv[1]));
	CHECK("a block of a third of the mean is sampled with its probability",
	      has_probability(170000, 512 << 10, 200000));
	CHECK("a block of 28 bytes too", has_probability(28, 4096, 2000000));
	CHECK("and an empty one", has_probability(0, 1000, 2000000));
	CHECK("a mean of one byte samples nearly every block",
	      has_probability(0, 1, 200000) && has_probability(64, 1, 200000));
	CHECK("a block far larger than the mean is sampled", has_probability(1ull << 40, 512 << 10, 1000));
	CHECK("so is one that hooks look at before they count it, and count twice",
	      fabs(share_off(28, 4096, 2000000)) < 3.5 && fabs(share_off(500, 4096, 2000000)) < 3.5);
	CHECK("each session has its own distances, and so has a forked child", sessions_differ());
	CHECK("a distance may be longer than a stride", strides_add_up());
	struct figures f = runs(512 << 10, RUNS);
	CHECK("bytes are off by as much as the standard error says", is_right(&f.bytes));
	CHECK("numbers of allocations too", is_right(&f.count));
	CHECK("those of blocks as large as the mean too", is_right(&f.near));
	CHECK("small blocks are not lost", is_unbiased(TINY, 512 << 10) && is_unbiased(SMALL, 512 << 10));
	CHECK("nor empty ones", is_unbiased(EMPTY, 32 << 10));
	CHECK("nor do large ones count too much", is_unbiased(NEAR, 512 << 10) && is_unbiased(MEDIUM, 512 << 10));
	CHECK("a seed gives the same sample, another one another", follows_seed());
	CHECK("two threads have numbers of their own", threads_differ());
	CHECK("a count is not 0 while a sampled block is there", counts_are_kept());
	CHECK("a count that is full stays", full_count_stays());
	CHECK("counts are spread", counts_are_spread());
	return check_done();
}
