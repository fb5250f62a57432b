/*
 * live.c - the live blocks, compared with a plain array of all ids
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define IDS 20000

struct model {
	bool open[IDS];
	struct block block[IDS];
	size_t count;
};

/* The kinds of ids: dense, anywhere, a mixture, and far beyond the number of live blocks. */
static uint32_t pick_id(unsigned kind, unsigned long long *seed, unsigned step)
{
	switch (kind % 4) {
	case 0:
		return (uint32_t)(check_random(seed) % (step + 1));
	case 1:
		return (uint32_t)(check_random(seed) % IDS);
	case 2:
		return (uint32_t)(check_random(seed) % (check_random(seed) % 2 ? 200 : IDS));
	default:
		return IDS - 1 - (uint32_t)(check_random(seed) % 3000);
	}
}

static struct block pick_block(unsigned long long *seed)
{
	struct block b = {
		.size = check_random(seed) % 100000,
		.weight = check_random(seed) % 8 ? 1 : check_random(seed) % 5,
		.key = (uint32_t)check_random(seed),
		.thread = (uint32_t)check_random(seed),
	};

	if (check_random(seed) % 50 == 0)
		b.size = UINT64_MAX - check_random(seed) % 3;
	return b;
}

static bool same_block(const struct block *a, const struct block *b)
{
	return a->size == b->size && a->weight == b->weight && a->key == b->key && a->thread == b->thread;
}

static bool close_both(struct live *l, struct model *m, uint32_t id)
{
	struct block b;
	bool was = live_close(l, id, &b);

	if (was != m->open[id] || (was && !same_block(&b, &m->block[id])))
		return false;
	m->count -= was;
	m->open[id] = false;
	return true;
}

static void open_both(struct live *l, struct model *m, uint32_t id, const struct block *b)
{
	live_open(l, id, b, NULL);
	m->count += !m->open[id];
	m->open[id] = true;
	m->block[id] = *b;
}

/* Checks that a walk meets every open block once; closes every third during the walk. */
static bool walk_agrees(struct live *l, struct model *m)
{
	static bool met[IDS];
	size_t cursor = 0, n = 0, expected = m->count;
	uint32_t id;
	struct block b;

	memset(met, 0, sizeof met);
	while (live_each(l, &cursor, &id, &b)) {
		if (met[id] || !m->open[id] || !same_block(&b, &m->block[id]))
			return false;
		met[id] = true;
		if (++n % 3 == 0 && !close_both(l, m, id))
			return false;
	}
	return n == expected;
}

static bool sequence_agrees(unsigned kind, unsigned long long seed, struct live *l, struct model *m)
{
	unsigned steps = (unsigned)(check_random(&seed) % 4000);
	struct block b;

	for (unsigned i = 0; i < steps; i++) {
		uint32_t id = pick_id(kind, &seed, i);
		switch (check_random(&seed) % 5) {
		case 0:
		case 1:
			b = pick_block(&seed);
			open_both(l, m, id, &b);
			break;
		case 2:
		case 3:
			if (!close_both(l, m, id))
				return false;
			break;
		default:
			if (live_find(l, id, &b) != m->open[id] ||
			    (m->open[id] && !same_block(&b, &m->block[id])))
				return false;
		}
		if (live_count(l) != m->count)
			return false;
	}
	return walk_agrees(l, m) && walk_agrees(l, m);
}

static unsigned sequences_that_agree(unsigned how_many)
{
	static struct model m;
	unsigned agree = 0;

	for (unsigned i = 0; i < how_many; i++) {
		struct live *l = live_new();
		memset(&m, 0, sizeof m);
		agree += sequence_agrees(i, i, l, &m);
		live_free(l);
	}
	return agree;
}

int main(void)
{
	struct live *l = live_new();
	struct block b = { .size = 5, .weight = 1, .key = 7, .thread = 9 }, got;

	CHECK("2000 random sequences give the same as an array of all ids", sequences_that_agree(2000) == 2000);

	live_open(l, UINT32_MAX, &b, NULL);
	live_open(l, 0, &b, NULL);
	CHECK("the first and the last id can be open", live_count(l) == 2 && live_find(l, UINT32_MAX, &got) &&
	      same_block(&got, &b) && live_find(l, 0, &got) && !live_find(l, 1, &got));

	live_clear(l);
	CHECK("after clearing nothing is open", live_count(l) == 0 && !live_find(l, 0, &got) &&
	      !live_close(l, UINT32_MAX, &got));

	/* An array of all these ids would be 64 GiB: the test would not end. */
	for (uint32_t i = 0; i < 100000; i++)
		live_open(l, i * 42949u, &b, NULL);
	size_t closed = 0;
	for (uint32_t i = 0; i < 100000; i++)
		closed += live_close(l, i * 42949u, &got);
	CHECK("ids far apart need memory only for those that are open", closed == 100000 && live_count(l) == 0);
	live_free(l);
	live_free(NULL);
	return check_done();
}
