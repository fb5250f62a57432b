/*
 * addresses.h - the live blocks of one process: from address to id and size
 *
 * Open addressing with linear probing; a removal shifts the following entries back, so
 * there are no tombstones. 16 bytes per slot, at most half full, or three quarters if it is large: for a large
 * process, this table takes most of memrec's memory.
 */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both are below 2^48, as addresses of a process are. */
struct address {
	uint64_t addr;		/* not 0 */
	uint64_t size;		/* no block has 2^47 bytes: that bit is the caller's */
	uint32_t id;
};

struct address_slot {
	uint64_t addr;		/* << 16 | upper 16 bits of the size; 0: the slot is free */
	uint32_t id, size;	/* size: the lower 32 bits */
};

struct addresses {
	struct address_slot *slots;
	size_t mask, used;
	unsigned shift;
};

void addresses_init(struct addresses *a);
void addresses_clear(struct addresses *a);
/* Adds an address that is not in the table. */
void addresses_put(struct addresses *a, const struct address *new);
/* Removes an address. Returns false if it is not in the table. */
bool addresses_take(struct addresses *a, uint64_t addr, struct address *was);

/* Returns the upper bits of a hash. Entries keep their order in a table twice as large, so growing is sequential. */
static inline size_t address_home(const struct addresses *a, uint64_t addr)
{
	return (size_t)((addr * 0x9E3779B97F4A7C15ull) >> a->shift);
}

/* Prefetches the cache line that a lookup of addr needs. */
static inline void addresses_prefetch(const struct addresses *a, uint64_t addr)
{
	__builtin_prefetch(&a->slots[address_home(a, addr)]);
}

#endif
