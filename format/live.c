/*
 * live.c - the live blocks
 *
 * There are two tables. `near` is an array in which the low bits of an id
 * determine its slot; a newer block evicts an older one to `far`, an
 * open-addressing hash table. The array has at least two slots for each live
 * block, so consecutive ids collide only after they have gone once round the
 * array.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define NEAR_LEAST 4096u
#define FAR_LEAST 64u

/*
 * An entry of either table. The size is CLOSED if the slot is empty, and ODD for
 * a block that does not fit, because it is too large or has a weight: such
 * blocks are in `far`, and whole in `odd` at index `key`.
 */
struct entry {
	uint32_t id, size, key, thread;
};

#define CLOSED UINT32_MAX
#define ODD (UINT32_MAX - 1)

/* Empty slots of `far`: never used, or formerly used (a search continues past it). */
#define FREE ((struct entry){ .size = CLOSED, .key = 0 })
#define DEAD ((struct entry){ .size = CLOSED, .key = 1 })

struct live {
	struct entry *near;
	size_t near_cap;	/* 0 or a power of 2 */
	size_t near_count;
	struct entry *far;
	size_t far_cap;		/* 0 or a power of 2 */
	size_t far_used;	/* not FREE */
	size_t far_count;	/* neither FREE nor DEAD */
	uint32_t far_last;	/* the largest id that was ever far */
	struct block *odd;
	size_t n_odd, cap_odd;
	uint32_t odd_free;	/* the first free index of `odd`, + 1; the key of each holds the next one, + 1 */
};

struct live *live_new(void)
{
	return xcalloc(1, sizeof(struct live));
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_clear(l);
	free(l);
}

/* ---------------------------------------------------------------- entries */

static bool fits(const struct block *b)
{
	return b->weight == 1 && b->size < ODD;
}

static struct entry entry_of(uint32_t id, const struct block *b)
{
	return (struct entry){ .id = id, .size = (uint32_t)b->size, .key = b->key, .thread = b->thread };
}

static struct block block_of(const struct live *l, const struct entry *e)
{
	if (e->size == ODD)
		return l->odd[e->key];
	return (struct block){ .size = e->size, .weight = 1, .key = e->key, .thread = e->thread };
}

static struct entry odd_entry(struct live *l, uint32_t id, const struct block *b)
{
	uint32_t at = l->odd_free;

	if (at) {
		l->odd_free = l->odd[--at].key;
	} else {
		GROW(l->odd, l->n_odd, l->cap_odd);
		at = (uint32_t)l->n_odd++;
	}
	l->odd[at] = *b;
	return (struct entry){ .id = id, .size = ODD, .key = at };
}

/* Frees the block in `odd` of a far entry that has one. */
static void odd_give_back(struct live *l, const struct entry *e)
{
	if (e->size != ODD)
		return;
	l->odd[e->key].key = l->odd_free;
	l->odd_free = e->key + 1;
}

static void close_all(struct entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		e[i] = FREE;
}

/* ---------------------------------------------------------------- the table */

static size_t far_slot(const struct live *l, uint32_t id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (l->far_cap - 1);
}

static bool was_never(const struct entry *e)
{
	return e->size == CLOSED && e->key == FREE.key;
}

static struct entry *far_find(const struct live *l, uint32_t id)
{
	if (l->far_count == 0 || id > l->far_last)
		return NULL;
	for (size_t i = far_slot(l, id);; i = (i + 1) & (l->far_cap - 1)) {
		if (l->far[i].id == id && l->far[i].size != CLOSED)
			return &l->far[i];
		if (was_never(&l->far[i]))
			return NULL;
	}
}

/* The id must not be in the table, and the table must have room. */
static void far_insert(struct live *l, const struct entry *e)
{
	size_t i = far_slot(l, e->id);

	while (l->far[i].size != CLOSED)
		i = (i + 1) & (l->far_cap - 1);
	l->far_used += was_never(&l->far[i]);
	l->far_count++;
	if (e->id > l->far_last)
		l->far_last = e->id;
	l->far[i] = *e;
}

/* Makes room for one more. A rebuild also drops DEAD slots and leaves at most half of the slots in use. */
static void far_make_room(struct live *l)
{
	if (l->far_used + 1 <= l->far_cap - l->far_cap / 4 && l->far_cap)
		return;

	struct entry *old = l->far;
	size_t old_cap = l->far_cap, cap = FAR_LEAST;
	while (cap < 2 * (l->far_count + 1))
		cap *= 2;
	l->far = xreallocarray(NULL, cap, sizeof *l->far);
	close_all(l->far, cap);
	l->far_cap = cap;
	l->far_used = l->far_count = 0;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].size != CLOSED)
			far_insert(l, &old[i]);
	free(old);
}

/* Adds an entry whose id is not in the table. */
static void far_put(struct live *l, const struct entry *e)
{
	far_make_room(l);
	far_insert(l, e);
}

static bool far_take(struct live *l, uint32_t id, struct block *b)
{
	struct entry *f = far_find(l, id);

	if (!f)
		return false;
	*b = block_of(l, f);
	odd_give_back(l, f);
	*f = DEAD;
	l->far_count--;
	return true;
}

/* ---------------------------------------------------------------- the array */

/* Returns the slot of an id in `near`. */
static struct entry *place_of(const struct live *l, uint32_t id)
{
	return &l->near[id & (l->near_cap - 1)];
}

static bool is(const struct entry *n, uint32_t id)
{
	return n->id == id && n->size != CLOSED;
}

/* Doubles the array. Each entry stays or moves up by the old size, so no two of them can collide. */
static __attribute__((noinline)) void near_grow(struct live *l)
{
	size_t old_cap = l->near_cap;

	l->near_cap = old_cap ? 2 * old_cap : NEAR_LEAST;
	l->near = xreallocarray(l->near, l->near_cap, sizeof *l->near);
	close_all(l->near + old_cap, l->near_cap - old_cap);
	for (size_t i = 0; i < old_cap; i++) {
		struct entry e = l->near[i];
		if (e.size == CLOSED || place_of(l, e.id) == &l->near[i])
			continue;
		*place_of(l, e.id) = e;
		l->near[i] = FREE;
	}
}

/* Moves an older block to `far`, to free its slot for a newer one. */
static __attribute__((noinline)) void evict(struct live *l, struct entry *n)
{
	far_put(l, n);
	l->near_count--;
}

/* ---------------------------------------------------------------- both */

bool live_find(const struct live *l, uint32_t id, struct block *b)
{
	const struct entry *e = l->near_cap && is(place_of(l, id), id) ? place_of(l, id) : far_find(l, id);

	if (e)
		*b = block_of(l, e);
	return e != NULL;
}

/* The rare cases: `known` is the entry of an id that is open already (*old gets its block), or b belongs in `far`. */
static __attribute__((noinline)) bool open_slowly(struct live *l, struct entry *known, uint32_t id,
						  const struct block *b, struct block *old)
{
	bool was_open = known != NULL;

	if (known && old)
		*old = block_of(l, known);
	if (known && known != place_of(l, id)) {
		odd_give_back(l, known);
	} else if (known && !fits(b)) {
		l->near_count--;
		known->size = CLOSED;
		known = NULL;
	}
	struct entry e = fits(b) ? entry_of(id, b) : odd_entry(l, id, b);
	if (known)
		*known = e;
	else
		far_put(l, &e);
	return was_open;
}

bool live_open(struct live *l, uint32_t id, const struct block *b, struct block *old)
{
	if (2 * (l->near_count + l->far_count) >= l->near_cap)
		near_grow(l);

	struct entry *n = place_of(l, id), *known = is(n, id) ? n : far_find(l, id);
	if (known || !fits(b))
		return open_slowly(l, known, id, b, old);
	if (n->size != CLOSED)
		evict(l, n);
	*n = entry_of(id, b);
	l->near_count++;
	return false;
}

bool live_shrink(struct live *l, uint32_t id, uint64_t size, struct block *was)
{
	if (!live_find(l, id, was) || size > was->size)
		return false;
	struct block left = *was;
	left.size = size;
	live_open(l, id, &left, NULL);
	return true;
}

bool live_close(struct live *l, uint32_t id, struct block *b)
{
	struct entry *n = l->near_cap ? place_of(l, id) : NULL;

	if (!n || !is(n, id))
		return far_take(l, id, b);
	*b = block_of(l, n);
	n->size = CLOSED;
	l->near_count--;
	return true;
}

bool live_each(const struct live *l, size_t *cursor, uint32_t *id, struct block *b)
{
	while (*cursor < l->near_cap + l->far_cap) {
		size_t i = (*cursor)++;
		const struct entry *e = i < l->near_cap ? &l->near[i] : &l->far[i - l->near_cap];
		if (e->size == CLOSED)
			continue;
		*b = block_of(l, e);
		*id = e->id;
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
	free(l->odd);
	memset(l, 0, sizeof *l);
}
