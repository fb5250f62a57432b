/*
 * live.h - the live blocks: maps an allocation's id to its size and the caller's key
 *
 * Ids are consecutive and most blocks die young, so the newest are in an array,
 * the older ones in a hash table. Memory is proportional to the number of live
 * blocks, whatever their ids: at their maximum 32 to 64 bytes per block in
 * the array, and 21 to 43 more for each block that had to leave it.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uint64_t size, weight;
	uint32_t key, thread;	/* for the caller's use */
};

struct live;

/* Exits if out of memory, as live_open() does. */
struct live *live_new(void);
void live_free(struct live *l);
/* Returns whether `id` is live; *b is then a copy of its block. To change a block, open it again. */
bool live_find(const struct live *l, uint32_t id, struct block *b);
/* Adds `id`. If it was live already, ends the old block and returns true and the block in *old (may be NULL). */
bool live_open(struct live *l, uint32_t id, const struct block *b, struct block *old);
/*
 * Shrinks a block to `size`; returns the former block in *was. Returns false and changes nothing if `id` is not live,
 * or if the block would grow.
 */
bool live_shrink(struct live *l, uint32_t id, uint64_t size, struct block *was);
/* Removes `id` and returns its block in *b. Returns false if it was not live. */
bool live_close(struct live *l, uint32_t id, struct block *b);
/*
 * Walks the live blocks, in no defined order: *cursor starts at 0; returns
 * false at the end. During a walk blocks may be closed but not opened.
 */
bool live_each(const struct live *l, size_t *cursor, uint32_t *id, struct block *b);
size_t live_count(const struct live *l);
/* Removes all blocks. */
void live_clear(struct live *l);

#endif
