/*
 * open_blocks.h - the open (live) allocations as whole events, in the order they were made
 *
 * For filters that pass an allocation on only when they know its fate. A mark
 * remembers those that are open at a moment, at no cost until they end.
 *
 * The rules of replay.h apply: an allocation ends the old one with its id, a resize that grows
 * is not an event, and in an answer nothing ends (and ids may recur).
 *
 * Memory: 50 to 90 bytes per open block (arrays grow, and freed blocks are
 * removed only once they are half), and 32 more for each block freed since
 * the mark.
 */
#ifndef OPEN_BLOCKS_H
#define OPEN_BLOCKS_H

#include "memtrace.h"

struct open_blocks;

/* Exits if out of memory, as all functions here do. */
struct open_blocks *open_blocks_new(void);
void open_blocks_free(struct open_blocks *o);
/* Removes all blocks, and the mark; open_blocks_begin() does so for a trace with this header. */
void open_blocks_clear(struct open_blocks *o);
void open_blocks_begin(struct open_blocks *o, const struct mt_header *h);

/*
 * The allocation that ended is returned in *was, an MT_ALLOC event with the size that remained; members that such an
 * event does not have are left alone. `was` may be NULL.
 */

/* MT_ALLOC. Returns true if it ends the old one with its id, *was. */
bool open_blocks_open(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/* MT_FREE. Returns false if nothing ends. */
bool open_blocks_close(struct open_blocks *o, uint32_t id, struct mt_event *was);
/* MT_RESIZE: *was is the allocation before. Returns false if nothing is lost. */
bool open_blocks_resize(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/*
 * MT_EXIT, or any other end of a process: each call ends one of its allocations, in the order they
 * were made; returns false when there are no more. *cursor starts at 0; between the calls none may be opened or
 * resized.
 */
bool open_blocks_exit(struct open_blocks *o, uint32_t pid, size_t *cursor, struct mt_event *was);
/*
 * Any event: each call ends and returns one of the allocations that end with it: the old one with the id, the one
 * freed, those of a process; with MT_END and MT_HEADER all. Returns false when there are no more; the event has then
 * been taken. *cursor starts at 0. After MT_HEADER call open_blocks_begin().
 */
bool open_blocks_take(struct open_blocks *o, const struct mt_event *ev, size_t *cursor, struct mt_event *was);
/*
 * Walks the open allocations in the order they were made: *cursor starts at 0; returns false at the end. Nothing may
 * change meanwhile.
 */
bool open_blocks_each(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);
size_t open_blocks_count(const struct open_blocks *o);

/*
 * Sets the mark: what is open now can be walked later as it is now, even if it ends or is resized. Replaces an earlier
 * mark.
 */
void open_blocks_mark(struct open_blocks *o);
/* Walks the allocations open at the mark, like open_blocks_each(). */
bool open_blocks_each_marked(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);

#endif
