/*
 * nodes.h - stacks as numbers: trees of (parent, what)
 *
 * A node is a frame and, through its parent, all older frames: so a stack is
 * one number, and two stacks share what they have in common.
 */
#ifndef NODES_H
#define NODES_H

#include <stdint.h>

#define NODE_ROOT 0u
#define NODE_NONE UINT32_MAX		/* no memory */

/*
 * The node of a frame of `code` at the byte `lasti` of its code (-1: before the
 * first) that `parent` called. A new one is put into the ring before any thread
 * can see its number. Any thread; takes a lock for new ones only.
 */
uint32_t node_child(uint32_t parent, uint32_t code, int32_t lasti);

/*
 * Nodes of another kind in the same table (wire.h: WIRE_NATIVE, WIRE_HYBRID),
 * told apart by their roots: node_find's number is 0 if there is none yet.
 */
uint32_t node_known(uint32_t parent, uint64_t what);
uint32_t node_add(uint8_t kind, uint32_t parent, uint64_t what);

/*
 * n nodes, each the parent of the next, the first under `parent`: their numbers
 * to id[]. For those of which the first is not known. Returns how many there was memory for.
 */
uint32_t node_add_chain(uint8_t kind, uint32_t parent, const uint64_t *what, uint32_t n, uint32_t *id);

/* A forked child: no number was given out. */
void nodes_forked(void);
/* A new session, no thread at work here: no number was given out. */
void nodes_restarted(void);

#endif
