/*
 * lastwalk.h - what a thread keeps of the Python stack it read last
 *
 * The next stack is mostly this one: pystack.c compares it level by level.
 * Memory: pages, which grow with the depth; handed on when the thread ends.
 */
#ifndef LASTWALK_H
#define LASTWALK_H

#include <stdbool.h>

#include "thread_states.h"
#include "pycode.h"

/* `key` tells where the frame is: up to 3.10 its f_lasti, later the address of its instruction. */
struct level {
	uintptr_t frame, code, key;
	uint64_t stamp;		/* proofs.h, the operand: what was put at frame + slot */
	uint32_t slot;		/* 0: nothing */
	uint32_t node;
};
#define KEY_SPOILT UINTPTR_MAX		/* no frame has it */

/* A direct-mapped cache in front of the tables. */
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
	uintptr_t ts;			/* the thread state it was of */
	struct level *levels;		/* oldest first */
	struct level *fresh;		/* collected in this walk, newest first */
	struct stamped *chunks;		/* our stamps, oldest first */
	uint32_t n, capacity, n_fresh, fresh_capacity, n_chunks, chunk_capacity;
	uint32_t deaths;		/* code_deaths() as far as looked at */
	uint32_t proven;		/* how many of the oldest levels were proven to stand, in the last walk */
	uint64_t captures;		/* never 0 after the first; goes on when the state is handed on */
	uint64_t last_stamp;
	uint8_t mark;			/* one of 254: a program may run one thread state in several threads by turns */
	uint32_t place[N_PLACES];	/* frame address to a level that may hold it */
	struct node_cache_entry steps[N_STEPS];
	uint32_t session;		/* whose numbers these are */
};

static inline uint32_t last_walk_place(uintptr_t frame)
{
	return (uint32_t)(frame >> 4 ^ frame >> 15) & (N_PLACES - 1);
}

/* The calling thread's (own: what it has, or NULL), empty, of this session; NULL: no memory. */
struct last_walk *last_walk_begin(struct last_walk *own, uint32_t session);
/* A forked child: only the calling thread's is left, and holds nothing. */
void last_walk_forked(struct last_walk *own);
/* More room: for more fresh levels; for n levels; for n chunks, of which n_kept count. False: no memory. */
bool last_walk_grow_fresh(struct last_walk *t);
bool last_walk_grow(struct last_walk *t, uint32_t n);
bool last_walk_grow_chunks(struct last_walk *t, uint32_t n, uint32_t n_kept);
/* Code objects died: what is kept of them must not match a new one at the same address. */
void last_walk_spoil_dead(struct last_walk *t);
/* One that no pointer equals, and no other stamp of this process. */
static inline uint64_t last_walk_stamp(struct last_walk *t)
{
	return t->last_stamp += 2;
}
/* How many there are, in use or idle. For tests. */
uint32_t last_walk_count(void);

#endif
