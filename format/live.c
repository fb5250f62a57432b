/*
 * live.c - what is allocated now
 *
 * Two places: `near`, an array indexed by id, of which the first near_end
 * entries are in use, and `far`, an open-addressing hash table. An id below
 * near_end is looked up in the array alone; what does not fit an entry there
 * (a weight, an absurd size) is marked ELSEWHERE and stands in the table.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* A near entry's size when it is no size. */
#define CLOSED UINT64_MAX
#define ELSEWHERE (UINT64_MAX - 1)

/* The array reaches at most this far for `count` live blocks. */
#define NEAR_LIMIT(count) (2 * (count) + 4096)

struct near {
	uint64_t size;
	uint32_t key, thread;
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
	size_t near_end, near_cap;
	struct far *far;
	size_t far_cap;		/* 0 or a power of 2 */
	size_t far_used;	/* not FREE */
	size_t far_count;	/* neither FREE nor DEAD */
	size_t count;
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
	if (l->far_count == 0)
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

static void far_put(struct live *l, uint32_t id, const struct block *b)
{
	struct far *f = far_find(l, id);

	if (f) {
		f->block = *b;
		return;
	}
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
	return b->weight == 1 && b->size < ELSEWHERE;
}

static struct near near_of(const struct block *b)
{
	return (struct near){ .size = b->size, .key = b->key, .thread = b->thread };
}

static struct block block_of(const struct near *n)
{
	return (struct block){ .size = n->size, .weight = 1, .key = n->key, .thread = n->thread };
}

/* Entry i comes into use: what the table holds of that id moves in, if it fits. */
static void near_begin(struct live *l, size_t i)
{
	struct far *f = far_find(l, (uint32_t)i);
	struct block moved;

	l->near[i] = (struct near){ .size = CLOSED };
	if (!f)
		return;
	if (!fits_near(&f->block))
		l->near[i].size = ELSEWHERE;
	else if (far_take(l, (uint32_t)i, &moved))
		l->near[i] = near_of(&moved);
}

/* Whether id has an entry in the array, now or from now on. */
static bool near_reach(struct live *l, uint32_t id)
{
	if (id < l->near_end)
		return true;
	if (id >= NEAR_LIMIT(l->count))
		return false;
	GROW(l->near, (size_t)id, l->near_cap);
	while (l->near_end <= id)
		near_begin(l, l->near_end++);
	return true;
}

/* ---------------------------------------------------------------- both */

bool live_find(const struct live *l, uint32_t id, struct block *b)
{
	if (id < l->near_end && l->near[id].size != ELSEWHERE) {
		*b = block_of(&l->near[id]);
		return l->near[id].size != CLOSED;
	}
	const struct far *f = far_find(l, id);
	if (f)
		*b = f->block;
	return f != NULL;
}

void live_open(struct live *l, uint32_t id, const struct block *b)
{
	if (!near_reach(l, id)) {
		size_t before = l->far_count;
		far_put(l, id, b);
		l->count += l->far_count - before;
		return;
	}

	struct near *n = &l->near[id];
	struct block old;
	l->count += n->size == CLOSED;
	if (fits_near(b)) {
		if (n->size == ELSEWHERE)
			(void)far_take(l, id, &old);
		*n = near_of(b);
	} else {
		n->size = ELSEWHERE;
		far_put(l, id, b);
	}
}

bool live_close(struct live *l, uint32_t id, struct block *b)
{
	if (id < l->near_end && l->near[id].size != ELSEWHERE) {
		struct near *n = &l->near[id];
		if (n->size == CLOSED)
			return false;
		*b = block_of(n);
		n->size = CLOSED;
		l->count--;
		return true;
	}
	if (!far_take(l, id, b))
		return false;
	if (id < l->near_end)
		l->near[id].size = CLOSED;
	l->count--;
	return true;
}

bool live_each(const struct live *l, size_t *cursor, uint32_t *id, struct block *b)
{
	for (; *cursor < l->near_end; ++*cursor) {
		const struct near *n = &l->near[*cursor];
		if (n->size == CLOSED || n->size == ELSEWHERE)
			continue;
		*b = block_of(n);
		*id = (uint32_t)(*cursor)++;
		return true;
	}
	for (; *cursor < l->near_end + l->far_cap; ++*cursor) {
		const struct far *f = &l->far[*cursor - l->near_end];
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
	return l->count;
}

void live_clear(struct live *l)
{
	free(l->near);
	free(l->far);
	memset(l, 0, sizeof *l);
}
