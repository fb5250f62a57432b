/*
 * open_blocks.h - the allocations that are open now, whole, in the order they were made
 *
 * For filters that pass an allocation on only when they know what becomes of
 * it. A mark keeps those that were open at a moment, at no cost until they end.
 *
 * The rules of a trace's life are those of replay.h: an allocation ends the old one of its id, a resize that grows
 * is no event, and in an answer nothing ends (and ids may come again).
 *
 * Memory: 50 bytes a block that is open, up to 90 by turns (as arrays grow,
 * and the freed ones are swept out when they are half), 32 more for each
 * that was freed since the mark.
 */
#ifndef OPEN_BLOCKS_H
#define OPEN_BLOCKS_H

#include "memtrace.h"

struct open_blocks;

/* Dies without memory, as the others do. */
struct open_blocks *open_blocks_new(void);
void open_blocks_free(struct open_blocks *o);
/* Forget all, the mark too; begin: as a trace with this header begins. */
void open_blocks_clear(struct open_blocks *o);
void open_blocks_begin(struct open_blocks *o, const struct mt_header *h);

/*
 * Events that an allocation *was are MT_ALLOC events: what they do not take stays as the caller had it, and the
 * size is what was left of it. Where *was is returned, was may be NULL.
 */

/* MT_ALLOC. True: it ends the old one of its id, *was. */
bool open_blocks_open(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/* MT_FREE. False: nothing ends. */
bool open_blocks_close(struct open_blocks *o, uint32_t id, struct mt_event *was);
/* MT_RESIZE: *was is what it was before. False: nothing is lost. */
bool open_blocks_resize(struct open_blocks *o, const struct mt_event *ev, struct mt_event *was);
/*
 * MT_EXIT, and whatever else ends a process: each call ends one of the allocations that it holds, in the order they
 * were made; false: there are no more. *cursor starts at 0; between the calls none may be opened or resized.
 */
bool open_blocks_exit(struct open_blocks *o, uint32_t pid, size_t *cursor, struct mt_event *was);
/*
 * Any event: each call ends, and returns, one of the allocations that end with it: the old one of the id, the one that
 * was freed, those of a process; with MT_END and MT_HEADER all. False: there are no more, and the event is taken.
 * *cursor starts at 0. After MT_HEADER comes open_blocks_begin().
 */
bool open_blocks_take(struct open_blocks *o, const struct mt_event *ev, size_t *cursor, struct mt_event *was);
/* Walk what is open, in the order it was made: *cursor starts at 0; false at the end. Nothing may change meanwhile. */
bool open_blocks_each(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);
size_t open_blocks_count(const struct open_blocks *o);

/* What is open now stays to be walked as it is now, whatever ends or is resized. An earlier mark is dropped. */
void open_blocks_mark(struct open_blocks *o);
/* Walk what was open at the mark, as open_blocks_each(). */
bool open_blocks_each_marked(const struct open_blocks *o, size_t *cursor, struct mt_event *ev);

#endif
