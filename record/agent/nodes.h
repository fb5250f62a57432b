/*
 * nodes.h - stacks as numbers: trees of (parent, what)
 *
 * A node is a frame and, through its parent, all older frames. So a number
 * identifies a stack, and stacks share their common older frames.
 */
#ifndef NODES_H
#define NODES_H

#include <stdint.h>

#define NODE_ROOT 0u
#define NODE_NONE UINT32_MAX		/* no memory */

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
 * in id[]. Use it if the first is not known yet. Returns how many it could add before memory ran out.
 */
uint32_t node_add_chain(uint8_t kind, uint32_t parent, const uint64_t *what, uint32_t n, uint32_t *id);

/* Discards all nodes in a forked child; numbers start again. */
void nodes_forked(void);
/* The same for a new session, while no thread uses nodes. */
void nodes_restarted(void);

#endif
