/*
 * peak.c - the high-water mark in one pass, compared with a copy of everything at every event
 */
#include "peak.h"

#include <string.h>

#include "check.h"

#define KEYS 6
#define BLOCKS 24
#define TRACES 3

struct model {
	struct amount live[KEYS], at_peak[KEYS], sums[KEYS];
	struct amount total, max, all;
};

/* The definition: the last event after which the total is as large as ever. */
static void model_event(struct model *m)
{
	if (m->total.bytes < m->max.bytes)
		return;
	m->max = m->total;
	memcpy(m->at_peak, m->live, sizeof m->live);
}

static void model_settle(struct model *m)
{
	for (int k = 0; k < KEYS; k++) {
		m->sums[k].bytes += m->at_peak[k].bytes;
		m->sums[k].count += m->at_peak[k].count;
	}
	m->all.bytes += m->max.bytes;
	m->all.count += m->max.count;
	memset(m->live, 0, sizeof m->live);
	memset(m->at_peak, 0, sizeof m->at_peak);
	m->total = m->max = (struct amount){ 0, 0 };
}

static bool same(struct amount a, struct amount b)
{
	return a.bytes == b.bytes && a.count == b.count;
}

struct open_block {
	bool open;
	uint32_t key;
	uint64_t bytes, count;
};

static void step(struct peak *p, struct model *m, struct open_block *b, unsigned long long *seed)
{
	if (b->open) {
		peak_sub(p, b->key, (struct amount){ b->bytes, b->count });
		m->live[b->key].bytes -= b->bytes;
		m->live[b->key].count -= b->count;
		m->total.bytes -= b->bytes;
		m->total.count -= b->count;
		b->open = false;
	} else {
		/* Few sizes, including 0, so that many peaks are equal. */
		*b = (struct open_block){
			.open = true,
			.key = (uint32_t)(check_random(seed) % KEYS),
			.bytes = check_random(seed) % 4,
			.count = 1 + check_random(seed) % 2,
		};
		peak_add(p, b->key, (struct amount){ b->bytes, b->count });
		m->live[b->key].bytes += b->bytes;
		m->live[b->key].count += b->count;
		m->total.bytes += b->bytes;
		m->total.count += b->count;
	}
	model_event(m);
}

static bool trace_agrees(struct peak *p, struct model *m, unsigned long long *seed)
{
	struct open_block blocks[BLOCKS] = { { 0 } };
	unsigned steps = (unsigned)(check_random(seed) % 120);

	for (unsigned i = 0; i < steps; i++) {
		step(p, m, &blocks[check_random(seed) % BLOCKS], seed);
		if (!same(peak_live(p), m->total) || !same(peak_now(p), m->max))
			return false;
	}
	peak_settle(p);
	model_settle(m);
	for (uint32_t k = 0; k < KEYS; k++)
		if (!same(peak_at(p, k), m->sums[k]))
			return false;
	return same(peak_total(p), m->all) && peak_keys(p) <= KEYS;
}

static unsigned sequences_that_agree(unsigned how_many)
{
	unsigned agree = 0;

	for (unsigned i = 0; i < how_many; i++) {
		struct peak *p = peak_new();
		struct model m = { 0 };
		unsigned long long seed = i;
		bool all = true;
		for (int t = 0; t < TRACES; t++)
			all = all && trace_agrees(p, &m, &seed);
		agree += all;
		peak_free(p);
	}
	return agree;
}

int main(void)
{
	CHECK("5000 random sequences of three traces give the same as copies at every event",
	      sequences_that_agree(5000) == 5000);

	struct peak *p = peak_new();
	peak_add(p, 1, (struct amount){ 10, 1 });
	peak_sub(p, 1, (struct amount){ 10, 1 });
	peak_add(p, 2, (struct amount){ 10, 1 });
	peak_sub(p, 2, (struct amount){ 10, 1 });
	peak_settle(p);
	CHECK("of two equal peaks the last one counts", peak_at(p, 1).bytes == 0 && peak_at(p, 2).bytes == 10);

	peak_add(p, 1, (struct amount){ 4, 1 });
	peak_settle(p);
	CHECK("each joined trace counts at its own peak", peak_at(p, 1).bytes == 4 && peak_total(p).bytes == 14 &&
	      peak_total(p).count == 2);
	CHECK("an unknown key has no memory", peak_at(p, 77).bytes == 0);
	peak_free(p);
	peak_free(NULL);
	return check_done();
}
