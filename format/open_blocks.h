/*
 * open_blocks.h - the open (live) allocations as whole events, in the order they were made
 *
 * For filters that pass an allocation on only when they know its fate. A mark
 * remembers the allocations open at a moment; it costs nothing until they end.
 *
 * The rules of replay.h apply: an allocation ends the old one with its id, a resize that grows
 * is not an event, and in an answer nothing ends (and ids may recur).
 *
 * Memory: 50 to 90 bytes per open block (arrays grow, and freed blocks are
 * removed only once they are half), and 32 more for each block freed since
 * the mark; and the memory of owned.h.
 */
#ifndef OPEN_BLOCKS_H
#define OPEN_BLOCKS_H

#include "memtrace.h"

struct open_blocks;

/* Exits if out of memory, as all functions here do. */
struct open_blocks *open_blocks_new(void);
void open_blocks_free(struct open_blocks *o);
/* Removes all blocks, and the mark. open_blocks_begin() does so too, and begins a trace with this header. */
void open_blocks_clear(struct open_blocks *o);
void open_blocks_begin(struct open_blocks *o, const struct mt_header *h);

/*
 * These return an allocation that ended in *was: an MT_ALLOC event with its last size. Members that such an event
 * does not have are not set. `was` may be NULL.
 */

/* MT_ALLOC. Returns true if it ends an older allocation with its id, *was. */
bool open_blocks_open(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/* MT_FREE. Returns false if nothing ends. */
bool open_blocks_close(struct open_blocks *o, uint32_t id, struct mt_event *was);
/* MT_RESIZE: *was is the allocation before it. Returns false if it does not shrink an open allocation. */
bool open_blocks_resize(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/*
 * MT_EXIT, or any other end of a process: each call ends one of its allocations, in the order they
 * were made; returns false when there are no more. *cursor starts at 0; between the calls nothing may be opened or
 * resized.
 */
bool open_blocks_exit(struct open_blocks *o, uint32_t pid, size_t *cursor, struct mt_event *was);
/*
 * Takes any event. Each call returns one of the allocations that it ends: the old one with its id, the freed one,
 * those of a process that exits; at MT_END and MT_HEADER all. Returns false when there are no more, and the event is
 * done. *cursor starts at 0. After MT_HEADER call open_blocks_begin().
 */
bool open_blocks_take(struct open_blocks *o, const struct mt_event *ev, size_t *cursor, struct mt_event *was);
/* Returns whether an allocation with that id is open, *ev. In an answer ids may recur, so this finds none of them. */
bool open_blocks_find(const struct open_blocks *o, uint32_t id, struct mt_event *ev);
/*
 * Walks the open allocations in the order they were made: *cursor starts at 0; returns false at the end. Change
 * nothing during the walk.
 */
bool open_blocks_each(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);
size_t open_blocks_count(const struct open_blocks *o);

/*
 * Sets the mark, replacing an earlier one: the allocations open now can be walked later as they are now, even if they
 * end or are resized.
 */
void open_blocks_mark(struct open_blocks *o);
/* Walks the allocations open at the mark, like open_blocks_each(). */
bool open_blocks_each_marked(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);

#endif
