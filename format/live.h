/*
 * live.h - what is allocated now: an allocation's id to its size and a key of yours
 *
 * Ids are dense in a recorder's trace, so this is an array; ids that are far
 * beyond the number of live allocations (a filtered trace, or a hostile one)
 * go to a hash table, so that memory stays proportional to what is alive
 * (24 bytes at the most live moment, doubled by growth).
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

struct live *live_new(void);
void live_free(struct live *l);
/* The open block `id`, or NULL. Valid until the next live_open()/live_close(). */
struct block *live_find(struct live *l, uint32_t id);
/* Open `id` (closing what was open there). */
void live_open(struct live *l, uint32_t id, const struct block *b);
/* Close it: *b is what it was; false: nothing of that id was open. */
bool live_close(struct live *l, uint32_t id, struct block *b);
/* Walk what is open: *cursor starts at 0; false at the end. Order is not defined. */
bool live_each(struct live *l, size_t *cursor, uint32_t *id, struct block *b);
size_t live_count(const struct live *l);
/* Forget all. */
void live_clear(struct live *l);

#endif
