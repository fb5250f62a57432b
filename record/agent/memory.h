/*
 * memory.h - the agent's own pages, by raw system calls, and a lock for its rare paths
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Returns zeroed pages without reserving memory, or NULL if there are none. No hook sees the call. */
void *pages_new(size_t size);
void pages_free(void *p, size_t size);
/*
 * Moves an array, `used` of whose *capacity elements of this size are used, to a place for at least twice as many,
 * or for the first 256. Returns NULL, and leaves it as it was, if there is no memory.
 */
static inline void *pages_grow(void *old, uint32_t *capacity, uint32_t used, size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : 256;
	void *p = pages_new(more * size);
	if (!p)
		return NULL;
	if (used)
		memcpy(p, old, used * size);
	pages_free(old, *capacity * size);
	*capacity = more;
	return p;
}
/* For pages that pages_new() counted before they are used, or that were emptied. Adds bytes, or subtracts them. */
void pages_count(int64_t bytes);
/* Returns the number of bytes in use. */
uint64_t pages_in_use(void);

/*
 * A futex lock. It is taken only on paths that create something new; a forked
 * child starts with fresh locks.
 */
struct lock { uint32_t word; };
void lock_take(struct lock *l);
/* Takes the lock if it is free; returns whether it did. */
bool lock_try(struct lock *l);
void lock_drop(struct lock *l);

#endif
