/*
 * nodes.h - stacks as numbers: trees of (parent, what)
 *
 * A node is a frame and, through its parent, all older frames. So a number
 * identifies a stack, and stacks share their common older frames.
 *
 * The tables have a limit. When they are full, all nodes are discarded and a new
 * epoch of numbers begins, and whoever keeps numbers discards them too: by
 * reading node_epoch before it uses any, and again after it has looked some up or added some. If it has
 * changed in between, they may be of two epochs, and the stack has to be captured again.
 */
#ifndef NODES_H
#define NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "wire.h"

#define NODE_ROOT 0u
#define NODE_NONE UINT32_MAX		/* no memory, or a new epoch has begun */

/* Changes when the numbers of all nodes are void. */
extern uint32_t node_epoch;
/* Changes then, and when the numbers of native nodes are void because code was unloaded. */
extern uint32_t node_generation;
/* How often a stack is captured again before it is given up. */
#define NODES_TRIES 8

static inline uint32_t nodes_epoch(void)
{
	return __atomic_load_n(&node_epoch, __ATOMIC_ACQUIRE);
}

static inline uint32_t nodes_generation(void)
{
	return __atomic_load_n(&node_generation, __ATOMIC_ACQUIRE);
}

/* Whether all numbers found since `epoch` or `generation` was read belong together. */
static inline bool nodes_same_epoch(uint32_t epoch)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return LIKELY(epoch == __atomic_load_n(&node_epoch, __ATOMIC_RELAXED));
}

static inline bool nodes_same_generation(uint32_t generation)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return LIKELY(generation == __atomic_load_n(&node_generation, __ATOMIC_RELAXED));
}

/* The parent of outermost native nodes. */
static inline uint32_t nodes_native_root(uint32_t generation)
{
	return WIRE_NATIVE_ROOT | generation;
}

/*
 * Returns the node of a frame of `code`, at byte `lasti` of its instructions (-1:
 * before the first), called from `parent`. A new node is put into the ring before any
 * other thread can see its number. Thread-safe; takes a lock only for new nodes.
 */
uint32_t node_child(uint32_t parent, uint32_t code, int32_t lasti);

/*
 * Nodes of another kind in the same table (wire.h: WIRE_NATIVE, WIRE_HYBRID), kept
 * apart by their roots. node_known() returns 0 if the node does not exist yet.
 */
uint32_t node_known(uint32_t parent, uint64_t what);
uint32_t node_add(uint8_t kind, uint32_t parent, uint64_t what);

/*
 * Adds n nodes, each the parent of the next, the first under `parent`, and stores their numbers
 * in id[]. Use it if the first is not known yet. Returns how many it could add.
 */
uint32_t node_add_chain(uint8_t kind, uint32_t parent, const uint64_t *what, uint32_t n, uint32_t *id);

/* Some code was unloaded: begins a new generation, and a new epoch if many nodes would remain unused. */
void nodes_unloaded(void);
/* A whole epoch has not been enough for one stack: allows for more nodes. */
void nodes_allow_more(void);
/* For tests: the number of nodes at which a new epoch begins, a power of two. */
extern uint32_t nodes_limit;

/* Discards all nodes in a forked child; numbers start again. */
void nodes_forked(void);
/* The same for a new session, while no thread uses nodes. */
void nodes_restarted(void);

#endif
