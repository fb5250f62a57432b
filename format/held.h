/*
 * held.h - what is allocated now, with all that is told of it, in the order it was made
 *
 * For filters that pass an allocation on only when they know what becomes of
 * it. A mark keeps what was open at a moment, at no cost until it is freed.
 *
 * Memory: 50 bytes a block that is open, up to 90 by turns (as arrays grow,
 * and the freed ones are swept out when they are half), 32 more for each
 * that was freed since the mark.
 */
#ifndef HELD_H
#define HELD_H

#include "live.h"
#include "memtrace.h"

struct held;

/* Dies without memory, as the others do. */
struct held *held_new(void);
void held_free(struct held *h);
/* Hold an MT_ALLOC event (forgetting what was open under its id). */
void held_open(struct held *h, const struct mt_event *ev);
/* Is `id` open? Then *b is its size and weight (the rest is undefined). */
bool held_find(const struct held *h, uint32_t id, struct block *b);
/* Forget `id`: *b is what held_find() told; false: it is not open. */
bool held_close(struct held *h, uint32_t id, struct block *b);
/* As MT_RESIZE: *gone is how many bytes it lost (of each allocation it stands for); false: no such event. */
bool held_resize(struct held *h, uint32_t id, uint64_t size, struct block *b, uint64_t *gone);
/*
 * Walk what is open: *cursor starts at 0, *ev becomes the MT_ALLOC event, its
 * size what is left of it; false at the end. In the order they were made.
 * During a walk blocks may be closed, none opened or resized.
 */
bool held_each(const struct held *h, size_t *cursor, struct mt_event *ev);
size_t held_count(const struct held *h);

/* What is open now stays to be walked as it is now, whatever is closed or resized. An earlier mark is dropped. */
void held_mark(struct held *h);
void held_unmark(struct held *h);
/* Walk what was open at the mark. Nothing may be changed during the walk. */
bool held_each_marked(const struct held *h, size_t *cursor, struct mt_event *ev);
/* Forget all, the mark too. */
void held_clear(struct held *h);

#endif
