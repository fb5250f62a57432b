/*
 * addresses.c - the blocks alive in one process
 */
#include "addresses.h"

#include <stdlib.h>

#include "xmalloc.h"

#define FIRST_SLOTS 4096

void addresses_init(struct addresses *a)
{
	a->slots = xcalloc(FIRST_SLOTS, sizeof *a->slots);
	a->mask = FIRST_SLOTS - 1;
	a->used = 0;
}

void addresses_clear(struct addresses *a)
{
	free(a->slots);
	*a = (struct addresses){ 0 };
}

static void insert(struct addresses *a, const struct address *new)
{
	size_t i = address_hash(new->addr) & a->mask;
	while (a->slots[i].addr)
		i = (i + 1) & a->mask;
	a->slots[i] = *new;
}

static void grow(struct addresses *a)
{
	struct addresses old = *a;
	a->mask = old.mask * 2 + 1;
	a->slots = xcalloc(a->mask + 1, sizeof *a->slots);
	for (size_t i = 0; i <= old.mask; i++)
		if (old.slots[i].addr)
			insert(a, &old.slots[i]);
	free(old.slots);
}

void addresses_put(struct addresses *a, const struct address *new)
{
	if (a->used * 2 > a->mask)
		grow(a);
	insert(a, new);
	a->used++;
}

bool addresses_take(struct addresses *a, uint64_t addr, struct address *was)
{
	struct address *slots = a->slots;
	size_t mask = a->mask, hole = address_hash(addr) & mask;
	for (; slots[hole].addr != addr; hole = (hole + 1) & mask)
		if (!slots[hole].addr)
			return false;
	*was = slots[hole];
	a->used--;
	for (size_t i = hole;;) {
		i = (i + 1) & mask;
		if (!slots[i].addr)
			break;
		size_t home = address_hash(slots[i].addr) & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].addr = 0;
	return true;
}
