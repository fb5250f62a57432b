/*
 * addresses.h - the blocks alive in one process: address to id and size
 *
 * Open addressing with linear probing; a removal shifts its followers back, so
 * there are no tombstones. 16 bytes a slot, at most half full: what this
 * takes is most of what memrec takes for a large process.
 */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both below 2^48, as a process's addresses are. */
struct address {
	uint64_t addr;		/* not 0 */
	uint64_t size;
	uint32_t id;
};

struct address_slot {
	uint64_t addr;		/* << 16, and the upper 16 bits of the size; 0: free */
	uint32_t id, size;	/* its lower 32 */
};

struct addresses {
	struct address_slot *slots;
	size_t mask, used;
	unsigned shift;
};

void addresses_init(struct addresses *a);
void addresses_clear(struct addresses *a);
/* Put an address that is not there. */
void addresses_put(struct addresses *a, const struct address *new);
/* Take it out; false: it is not there. */
bool addresses_take(struct addresses *a, uint64_t addr, struct address *was);

/*
 * The upper bits of a hash: in a table twice as large all stand in the same order, so growing goes through both once.
 */
static inline size_t address_home(const struct addresses *a, uint64_t addr)
{
	return (size_t)((addr * 0x9E3779B97F4A7C15ull) >> a->shift);
}

/* The cache line that a look-up of addr will need. */
static inline void addresses_prefetch(const struct addresses *a, uint64_t addr)
{
	__builtin_prefetch(&a->slots[address_home(a, addr)]);
}

#endif
