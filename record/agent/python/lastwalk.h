/*
 * lastwalk.h - the last Python stack that a thread has read
 *
 * The next stack is mostly the same: pystack.c compares it level by level.
 * Memory: pages, which grow with the depth; another thread reuses them after this one has ended.
 */
#ifndef LASTWALK_H
#define LASTWALK_H

#include <stdbool.h>

#include "thread_states.h"
#include "pycode.h"

/* `key` is the frame's position: up to 3.10 its f_lasti, later the address of its instruction. */
struct level {
	uintptr_t frame, code, key;
	uint64_t stamp;		/* proofs.h, the operand: the value stored at frame + slot */
	uint32_t slot;		/* 0: none */
	uint32_t node;
};
#define KEY_SPOILT UINTPTR_MAX		/* no frame has it */

/* A direct-mapped cache, searched before the tables. */
struct node_cache_entry {
	uintptr_t code, key;
	const struct code_entry *entry;
	uint32_t id, parent, node;
};

struct stamped { uintptr_t chunk; uint64_t stamp; };

#define N_PLACES 2048u		/* powers of two */
#define N_STEPS 512u

struct last_walk {
	struct thread_state state;
	uintptr_t ts;			/* the PyThreadState that it belongs to */
	struct level *levels;		/* oldest first */
	struct level *fresh;		/* collected in this walk, newest first */
	struct stamped *chunks;		/* our stamps, oldest first */
	uint32_t n, capacity, n_fresh, fresh_capacity, n_chunks, chunk_capacity;
	uint32_t deaths;		/* the value of code_deaths() when it was last checked */
	uint32_t proven;		/* how many of the oldest levels the last walk proved unchanged */
	uint64_t captures;		/* not 0 after the first; continues when another thread takes the state over */
	uint64_t last_stamp;
	uint8_t mark;			/* one of 254: threads of a program may share a PyThreadState by turns */
	uint32_t place[N_PLACES];	/* by frame address: a level that may be this frame */
	struct node_cache_entry steps[N_STEPS];
	uint32_t epoch;			/* nodes.h: the one that the numbers belong to */
};

static inline uint32_t last_walk_place(uintptr_t frame)
{
	return (uint32_t)(frame >> 4 ^ frame >> 15) & (N_PLACES - 1);
}

/* Returns an empty state for the calling thread (own: its present one, or NULL) and this epoch. NULL: no memory. */
struct last_walk *last_walk_begin(struct last_walk *own, uint32_t epoch);
/* In a forked child: keeps only the calling thread's state and empties it. */
void last_walk_forked(struct last_walk *own);
/* Make room: for more fresh levels; for n levels; for n chunks, keeping the first n_kept. False: no memory. */
bool last_walk_grow_fresh(struct last_walk *t);
bool last_walk_grow(struct last_walk *t, uint32_t n);
bool last_walk_grow_chunks(struct last_walk *t, uint32_t n, uint32_t n_kept);
/* After code objects have died: makes their levels not match a new code object at the same address. */
void last_walk_spoil_dead(struct last_walk *t);
/* Returns a value that differs from every pointer and every other stamp of this process. */
static inline uint64_t last_walk_stamp(struct last_walk *t)
{
	return t->last_stamp += 2;
}
/* Returns how many states exist, used or idle. For tests. */
uint32_t last_walk_count(void);

#endif
