/*
 * ids.h - giving out the ids of allocations: 1, 2, 3, …
 *
 * A trace is smallest so: an allocation's id is the next one, and need not be
 * said. Behind the last number they begin again at 1, and pass over those that
 * are held at that moment.
 */
#ifndef IDS_H
#define IDS_H

#include <stddef.h>
#include <stdint.h>

/* Asked for each round's ids_hold(): every id that is held. */
typedef void ids_holder(void *arg);

/* Starts all zero but for the holder and its argument. */
struct ids {
	uint32_t last;		/* given out */
	uint32_t stop;		/* behind it something is to be looked at */
	ids_holder *holder;
	void *arg;
	uint32_t *held;		/* sorted */
	size_t n, cap, next;
};

/* Where last == stop: the first of all, the end of the numbers, or a held one. */
void ids_look(struct ids *ids);

static inline uint32_t ids_take(struct ids *ids)
{
	if (__builtin_expect(ids->last == ids->stop, 0))
		ids_look(ids);
	return ++ids->last;
}

/* From the holder: this id is not to be given out in the round that begins. */
void ids_hold(struct ids *ids, uint32_t id);
void ids_clear(struct ids *ids);

#endif
