/*
 * ids.h - number allocations: 1, 2, 3, …
 *
 * Consecutive ids keep a trace smallest, because the next one need not be written.
 * After the last number, ids start again at 1 and skip those in use at that moment.
 */
#ifndef IDS_H
#define IDS_H

#include <stddef.h>
#include <stdint.h>

/* Called at the start of each round: calls ids_hold() for every id in use. */
typedef void ids_holder(void *arg);

/* Starts all zero except the holder and its argument. */
struct ids {
	uint32_t last;		/* the last id returned */
	uint32_t stop;		/* after this id, ids_look() must be called */
	ids_holder *holder;
	void *arg;
	uint32_t *held;		/* sorted */
	size_t n, cap, next;
};

/* Called where last == stop: at the very first id, at the end of the numbers, or before one in use. */
void ids_look(struct ids *ids);

static inline uint32_t ids_take(struct ids *ids)
{
	if (__builtin_expect(ids->last == ids->stop, 0))
		ids_look(ids);
	return ++ids->last;
}

/* Called by the holder: this id is in use and must be skipped in the round that begins. */
void ids_hold(struct ids *ids, uint32_t id);
void ids_clear(struct ids *ids);

#endif
