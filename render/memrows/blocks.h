/*
 * blocks.h - what becomes of each block: freed, leaked, made while Python shut down, dropped by an exec
 *
 * Follows the rules of open_blocks.h and ending.h, so that leaks are memleak's.
 *
 * Memory: that of open_blocks.h; the blocks that leaked are kept until their process ends.
 */
#ifndef MEMROWS_BLOCKS_H
#define MEMROWS_BLOCKS_H

#include "memtrace.h"

enum fate {
	FATE_FREED,	/* before its process ended, or its interpreter began to shut down */
	FATE_LEAKED,	/* memleak passes it on */
	FATE_SHUTDOWN,	/* made while the interpreter shut down */
	FATE_EXEC,	/* its process executed another program */
	FATE_UNKNOWN,	/* a filter dropped the frees */
};

struct ended_block {
	uint32_t place;		/* the caller's number of it */
	uint64_t size, weight;
	bool part;		/* a mapping lost this part; the rest is another block */
	uint64_t born_ms;
	uint64_t died_ms;	/* if has_died: it has not if it leaked, or if that is not known */
	bool has_died;
	bool freed;		/* before its process ended, if only by the interpreter's shutdown */
	enum fate fate;
};

typedef void blocks_put(void *arg, const struct ended_block *b);

struct blocks;

/* Calls put(arg, …) once for each block, when it ends. Exits if out of memory, as all here do. */
struct blocks *blocks_new(const struct mt_header *h, blocks_put *put, void *arg);
void blocks_free(struct blocks *b);
/* MT_ALLOC. place is less than 2^31. */
void blocks_alloc(struct blocks *b, const struct mt_event *ev, uint32_t place);
/* Takes any other event; h is the present header. */
void blocks_take(struct blocks *b, const struct mt_event *ev, const struct mt_header *h);
/* Ends all blocks, for a trace that was cut off. */
void blocks_end(struct blocks *b);

#endif
