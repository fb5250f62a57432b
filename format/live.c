/*
 * live.c - what is allocated now
 *
 * Two places. `near`: an array in which an id has one possible place, by its
 * low bits; whoever is there gives way to a newer one and moves to `far`, an
 * open-addressing hash table. The array has at least two places for each live
 * block, so ids given out one after the other get into each other's way only
 * when the array was gone round once.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define NEAR_LEAST 4096u

/* A near entry's size when it is none. Blocks as large, or with a weight, are far. */
#define CLOSED UINT32_MAX

struct near {
	uint32_t id, size, key, thread;
};

/* A far entry's mark: FREE, DEAD (was in use: a search goes on over it), or the id + 1. */
#define FREE 0
#define DEAD UINT64_MAX

struct far {
	uint64_t mark;
	struct block block;
};

struct live {
	struct near *near;
	size_t near_cap;	/* 0 or a power of 2 */
	size_t near_count;
	struct far *far;
	size_t far_cap;		/* 0 or a power of 2 */
	size_t far_used;	/* not FREE */
	size_t far_count;	/* neither FREE nor DEAD */
	uint32_t far_last;	/* no id above it was ever far */
};

struct live *live_new(void)
{
	return xcalloc(1, sizeof(struct live));
}

void live_free(struct live *l)
{
	if (!l)
		return;
	free(l->near);
	free(l->far);
	free(l);
}

/* ---------------------------------------------------------------- the table */

static size_t far_slot(const struct live *l, uint32_t id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (l->far_cap - 1);
}

static struct far *far_find(const struct live *l, uint32_t id)
{
	if (l->far_count == 0 || id > l->far_last)
		return NULL;
	for (size_t i = far_slot(l, id);; i = (i + 1) & (l->far_cap - 1)) {
		if (l->far[i].mark == (uint64_t)id + 1)
			return &l->far[i];
		if (l->far[i].mark == FREE)
			return NULL;
	}
}

/* `id` is not in the table, and the table has room. */
static void far_insert(struct live *l, uint32_t id, const struct block *b)
{
	size_t i = far_slot(l, id);

	while (l->far[i].mark != FREE && l->far[i].mark != DEAD)
		i = (i + 1) & (l->far_cap - 1);
	l->far_used += l->far[i].mark == FREE;
	l->far_count++;
	if (id > l->far_last)
		l->far_last = id;
	l->far[i] = (struct far){ .mark = (uint64_t)id + 1, .block = *b };
}

/* Room for one more: at most half in use after a rebuild, which also sweeps the dead. */
static void far_make_room(struct live *l)
{
	if (l->far_used + 1 <= l->far_cap - l->far_cap / 4 && l->far_cap)
		return;

	struct far *old = l->far;
	size_t old_cap = l->far_cap, cap = 64;
	while (cap < 2 * (l->far_count + 1))
		cap *= 2;
	l->far = xcalloc(cap, sizeof *l->far);
	l->far_cap = cap;
	l->far_used = l->far_count = 0;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].mark != FREE && old[i].mark != DEAD)
			far_insert(l, (uint32_t)(old[i].mark - 1), &old[i].block);
	free(old);
}

/* Put an id that is not there. */
static void far_put(struct live *l, uint32_t id, const struct block *b)
{
	far_make_room(l);
	far_insert(l, id, b);
}

static bool far_take(struct live *l, uint32_t id, struct block *b)
{
	struct far *f = far_find(l, id);

	if (!f)
		return false;
	*b = f->block;
	f->mark = DEAD;
	l->far_count--;
	return true;
}

/* ---------------------------------------------------------------- the array */

static bool fits_near(const struct block *b)
{
	return b->weight == 1 && b->size < CLOSED;
}

static struct near near_of(uint32_t id, const struct block *b)
{
	return (struct near){ .id = id, .size = (uint32_t)b->size, .key = b->key, .thread = b->thread };
}

static struct block block_of(const struct near *n)
{
	return (struct block){ .size = n->size, .weight = 1, .key = n->key, .thread = n->thread };
}

/* Where id is if it is near. */
static struct near *place_of(const struct live *l, uint32_t id)
{
	return &l->near[id & (l->near_cap - 1)];
}

static bool is(const struct near *n, uint32_t id)
{
	return n->id == id && n->size != CLOSED;
}

/* Twice as many places: who shared one before still does not. */
static __attribute__((noinline)) void near_grow(struct live *l)
{
	struct near *old = l->near;
	size_t old_cap = l->near_cap;

	l->near_cap = old_cap ? 2 * old_cap : NEAR_LEAST;
	l->near = xmalloc(l->near_cap * sizeof *l->near);
	for (size_t i = 0; i < l->near_cap; i++)
		l->near[i].size = CLOSED;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].size != CLOSED)
			*place_of(l, old[i].id) = old[i];
	free(old);
}

/* An older one stands where a newer one is to be. */
static __attribute__((noinline)) void evict(struct live *l, struct near *n)
{
	struct block b = block_of(n);

	far_put(l, n->id, &b);
	n->size = CLOSED;
	l->near_count--;
}

/* ---------------------------------------------------------------- both */

bool live_find(const struct live *l, uint32_t id, struct block *b)
{
	if (l->near_cap && is(place_of(l, id), id)) {
		*b = block_of(place_of(l, id));
		return true;
	}
	const struct far *f = far_find(l, id);
	if (f)
		*b = f->block;
	return f != NULL;
}

void live_open(struct live *l, uint32_t id, const struct block *b)
{
	if (2 * (l->near_count + l->far_count) >= l->near_cap)
		near_grow(l);

	struct near *n = place_of(l, id);
	struct far *f = NULL;
	if (is(n, id)) {
		l->near_count--;
		n->size = CLOSED;
	} else if ((f = far_find(l, id))) {
		f->block = *b;
		return;
	}
	if (!fits_near(b)) {
		far_put(l, id, b);
		return;
	}
	if (n->size != CLOSED)
		evict(l, n);
	*n = near_of(id, b);
	l->near_count++;
}

bool live_close(struct live *l, uint32_t id, struct block *b)
{
	struct near *n = l->near_cap ? place_of(l, id) : NULL;

	if (!n || !is(n, id))
		return far_take(l, id, b);
	*b = block_of(n);
	n->size = CLOSED;
	l->near_count--;
	return true;
}

bool live_each(const struct live *l, size_t *cursor, uint32_t *id, struct block *b)
{
	for (; *cursor < l->near_cap; ++*cursor) {
		const struct near *n = &l->near[*cursor];
		if (n->size == CLOSED)
			continue;
		*b = block_of(n);
		*id = n->id;
		++*cursor;
		return true;
	}
	for (; *cursor < l->near_cap + l->far_cap; ++*cursor) {
		const struct far *f = &l->far[*cursor - l->near_cap];
		if (f->mark == FREE || f->mark == DEAD)
			continue;
		*b = f->block;
		*id = (uint32_t)(f->mark - 1);
		++*cursor;
		return true;
	}
	return false;
}

size_t live_count(const struct live *l)
{
	return l->near_count + l->far_count;
}

void live_clear(struct live *l)
{
	free(l->near);
	free(l->far);
	memset(l, 0, sizeof *l);
}
