/*
 * addresses.c - the live blocks of one process
 */
#include "addresses.h"

#include "xmalloc.h"

#define LOG2_FIRST_SLOTS 12
#define LARGE (1u << 18)	/* slots: 4 MiB */

static struct addresses make(unsigned log2_slots)
{
	size_t n = (size_t)1 << log2_slots;
	return (struct addresses){ .slots = xtable_new(n, sizeof(struct address_slot)),
				   .mask = n - 1,
				   .shift = 64 - log2_slots };
}

void addresses_init(struct addresses *a)
{
	*a = make(LOG2_FIRST_SLOTS);
}

void addresses_clear(struct addresses *a)
{
	table_free(a->slots, a->mask + 1, sizeof *a->slots);
	*a = (struct addresses){ 0 };
}

static inline uint64_t slot_addr(const struct address_slot *s)
{
	return s->addr >> 16;
}

static void insert(struct addresses *a, const struct address_slot *new)
{
	size_t i = address_home(a, slot_addr(new));
	while (a->slots[i].addr)
		i = (i + 1) & a->mask;
	a->slots[i] = *new;
}

static void grow(struct addresses *a)
{
	struct addresses old = *a;
	*a = make(64 - old.shift + 1);
	a->used = old.used;
	for (size_t i = 0; i <= old.mask; i++)
		if (old.slots[i].addr)
			insert(a, &old.slots[i]);
	addresses_clear(&old);
}

/* Searches are shorter in a table that is at most half full, but memory counts for more when it is large. */
static inline bool is_full(const struct addresses *a)
{
	return a->used * 2 > a->mask && (a->mask < LARGE || a->used / 3 * 4 > a->mask);
}

void addresses_put(struct addresses *a, const struct address *new)
{
	if (is_full(a))
		grow(a);
	const struct address_slot s = { new->addr << 16 | (new->size >> 32 & 0xffff), new->id, (uint32_t)new->size };
	insert(a, &s);
	a->used++;
}

bool addresses_take(struct addresses *a, uint64_t addr, struct address *was)
{
	struct address_slot *slots = a->slots;
	size_t mask = a->mask, hole = address_home(a, addr);
	for (; slot_addr(&slots[hole]) != addr; hole = (hole + 1) & mask)
		if (!slots[hole].addr)
			return false;
	*was = (struct address){ addr, (slots[hole].addr & 0xffff) << 32 | slots[hole].size, slots[hole].id };
	a->used--;
	for (size_t i = hole;;) {
		i = (i + 1) & mask;
		if (!slots[i].addr)
			break;
		size_t home = address_home(a, slot_addr(&slots[i]));
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].addr = 0;
	return true;
}
