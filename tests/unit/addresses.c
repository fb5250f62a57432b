/*
 * addresses.c - the blocks alive in one process: each can be found, with its size and id, until it is removed
 */
#include "check.h"

#include "addresses.h"

#define MOST 300000u

/* Returns block n's address, in a heap of blocks of all sizes and alignments, and its size. */
static uint64_t addr_of(uint32_t n)
{
	return 0x7f1200000000ull + (uint64_t)n * 16 + (n % 7 == 0 ? 8 : 0) + ((uint64_t)(n % 3) << 40);
}

static uint64_t size_of(uint32_t n)
{
	return n % 1000 == 0 ? (1ull << 48) - 1 - n : n % 10 == 0 ? (uint64_t)n << 20 : n;
}

static bool take_is_right(struct addresses *a, uint32_t n, uint32_t id)
{
	struct address was;
	bool there = addresses_take(a, addr_of(n), &was);
	return id == 0 ? !there : there && was.addr == addr_of(n) && was.size == size_of(n) && was.id == id;
}

/* Adds and removes blocks at random; ids[n] is the id of block n, or 0 if it is not in the table. */
static bool follows(struct addresses *a, uint32_t *ids, uint32_t rounds)
{
	unsigned long long random = 1;
	size_t live = 0;
	for (uint32_t i = 1; i <= rounds; i++) {
		uint32_t n = (uint32_t)(check_random(&random) % MOST);
		if (ids[n] || check_random(&random) % 4 == 0) {
			live -= ids[n] != 0;
			if (!take_is_right(a, n, ids[n]))
				return false;
			ids[n] = 0;
		} else {
			ids[n] = i;
			addresses_put(a, &(struct address){ addr_of(n), size_of(n), i });
			live++;
		}
		if (a->used != live || a->used > a->mask)
			return false;
	}
	return true;
}

static bool all_are_there(struct addresses *a, uint32_t *ids)
{
	for (uint32_t n = 0; n < MOST; n++)
		if (!take_is_right(a, n, ids[n]))
			return false;
	return a->used == 0;
}

int main(void)
{
	static uint32_t ids[MOST];
	struct addresses a;
	addresses_init(&a);
	CHECK("added blocks are removed with their size and id, others are not found", follows(&a, ids, 2000000));
	CHECK("so are all remaining ones, and then the table is empty", all_are_there(&a, ids));
	for (size_t i = 0; i <= a.mask; i++)
		if (a.slots[i].addr)
			return 1;
	addresses_clear(&a);
	return check_done();
}
