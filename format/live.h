/*
 * live.h - what is allocated now: an allocation's id to its size and a key of yours
 *
 * Ids are given out one after the other, and most blocks die young: so the
 * newest are in an array, the older in a hash table. Memory is proportional to
 * what is alive, whatever the ids are: at the most live moment 32 to 64 bytes
 * a block in the array, and 21 to 43 more for each that had to leave it.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uint64_t size, weight;
	uint32_t key, thread;	/* the caller's; thread is free for use */
};

struct live;

/* Dies without memory, as live_open() does. */
struct live *live_new(void);
void live_free(struct live *l);
/* Is `id` open? Then *b is it; to change it, open it again. */
bool live_find(const struct live *l, uint32_t id, struct block *b);
/* Open `id`. True: it was open, which this ends: *old (may be NULL) is the block it was. */
bool live_open(struct live *l, uint32_t id, const struct block *b, struct block *old);
/* Leave `size` of it, *was is what it was before. False, and nothing changes: it is not open, or not larger than that. */
bool live_shrink(struct live *l, uint32_t id, uint64_t size, struct block *was);
/* Close it: *b is what it was; false: nothing of that id was open. */
bool live_close(struct live *l, uint32_t id, struct block *b);
/*
 * Walk what is open: *cursor starts at 0; false at the end. Order is not
 * defined. During a walk blocks may be closed, none opened.
 */
bool live_each(const struct live *l, size_t *cursor, uint32_t *id, struct block *b);
size_t live_count(const struct live *l);
/* Forget all. */
void live_clear(struct live *l);

#endif
