/*
 * peak.c - the high-water mark in one pass
 *
 * Invariant: unless `water.below`, the live total is at its maximum, and the
 * amounts at the mark are the live ones. Otherwise they are `saved` for the keys
 * that changed in this epoch, and `live` for the others.
 */
#include "peak.h"

#include <stdlib.h>
#include <string.h>

#include "hot.h"
#include "xmalloc.h"

struct key {
	struct amount live, saved;
	uint64_t epoch;		/* in which `saved` was set */
};

struct peak {
	struct key *keys;
	size_t n, cap;
	struct amount *sums;
	size_t n_sums;
	struct amount total;	/* of sums */
	struct high_water water;
	uint64_t epoch;
};

static void begin_trace(struct peak *p)
{
	p->n = p->cap = 0;
	p->keys = NULL;
	p->water = (struct high_water){ .below = false };
	p->epoch = 1;		/* new keys have epoch 0: nothing saved */
}

struct peak *peak_new(void)
{
	struct peak *p = xcalloc(1, sizeof *p);

	begin_trace(p);
	return p;
}

void peak_free(struct peak *p)
{
	if (!p)
		return;
	free(p->keys);
	free(p->sums);
	free(p);
}

static struct key *key_at(struct peak *p, uint32_t key)
{
	if (key >= p->n) {
		GROW(p->keys, (size_t)key, p->cap);
		memset(p->keys + p->n, 0, ((size_t)key + 1 - p->n) * sizeof *p->keys);
		p->n = (size_t)key + 1;
	}
	return &p->keys[key];
}

static void save(const struct peak *p, struct key *k)
{
	if (k->epoch == p->epoch)
		return;
	k->saved = k->live;
	k->epoch = p->epoch;
}

HOT void peak_add(struct peak *p, uint32_t key, struct amount a)
{
	struct key *k = key_at(p, key);

	high_water_add(&p->water, a);
	if (p->water.below)
		save(p, k);
	amount_add(&k->live, a);
}

HOT void peak_sub(struct peak *p, uint32_t key, struct amount a)
{
	struct key *k = key_at(p, key);
	bool was_below = p->water.below;

	high_water_sub(&p->water, a);
	p->epoch += p->water.below && !was_below;
	if (p->water.below)
		save(p, k);
	amount_sub(&k->live, a);
}

size_t peak_live_keys(const struct peak *p)
{
	return p->n;
}

struct amount peak_live_at(const struct peak *p, uint32_t key)
{
	return key < p->n ? p->keys[key].live : (struct amount){ 0, 0 };
}

struct amount peak_now_at(const struct peak *p, uint32_t key)
{
	const struct key *k = &p->keys[key];

	if (key >= p->n)
		return (struct amount){ 0, 0 };
	return p->water.below && k->epoch == p->epoch ? k->saved : k->live;
}

void peak_settle(struct peak *p)
{
	if (p->n > p->n_sums) {
		p->sums = xreallocarray(p->sums, p->n, sizeof *p->sums);
		memset(p->sums + p->n_sums, 0, (p->n - p->n_sums) * sizeof *p->sums);
		p->n_sums = p->n;
	}
	for (size_t i = 0; i < p->n; i++)
		amount_add(&p->sums[i], peak_now_at(p, (uint32_t)i));
	amount_add(&p->total, p->water.max);
	free(p->keys);
	begin_trace(p);
}

size_t peak_keys(const struct peak *p)
{
	return p->n_sums;
}

struct amount peak_at(const struct peak *p, uint32_t key)
{
	return key < p->n_sums ? p->sums[key] : (struct amount){ 0, 0 };
}

struct amount peak_total(const struct peak *p)
{
	return p->total;
}

bool peak_is_now(const struct peak *p)
{
	return !p->water.below;
}

struct amount peak_live(const struct peak *p)
{
	return p->water.live;
}

struct amount peak_now(const struct peak *p)
{
	return p->water.max;
}
