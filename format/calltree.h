/*
 * calltree.h - a tree of calls by what their frames are called
 *
 * Nodes are numbered from 1, 0 is the root; parents have smaller numbers. Two
 * calls of one parent with equal labels are one node. Each has two numbers of
 * its own, the caller's to use: bytes and allocations, or before and after.
 *
 * Memory: 40 to 68 bytes a node, and the labels (texts.h).
 */
#ifndef CALLTREE_H
#define CALLTREE_H

#include <stddef.h>
#include <stdint.h>

#include "stacks.h"

struct call {
	uint32_t parent, label;
	uint64_t own[2];
};

struct calltree;

/* Dies without memory, as the others do. */
struct calltree *calltree_new(void);
void calltree_free(struct calltree *t);
/* The number of a text, which is copied. */
uint32_t calltree_label(struct calltree *t, const char *text, size_t n);
const char *calltree_text(const struct calltree *t, uint32_t label);
/* The call of that label under `parent`, made if there is none. */
uint32_t calltree_child(struct calltree *t, uint32_t parent, uint32_t label);
/* Nodes are 0 to count - 1; a node is valid until the next is made. */
uint32_t calltree_count(const struct calltree *t);
struct call *calltree_call(struct calltree *t, uint32_t node);
/*
 * Returns the node of each stack of `s`, made as needed: an array of
 * stacks_count(s), which the caller frees. Stack 0, not known, is a call of its
 * own. In files (STACKS_FILE) a call within one file is no call. Stacks that
 * are not `wanted` (NULL: all are) get node 0; a wanted stack's callers must be wanted.
 */
uint32_t *calltree_add_stacks(struct calltree *t, struct stacks *s, enum stacks_detail detail, const bool *wanted);

/* The children of node n are order[first[n]] to order[first[n + 1] - 1]. To be freed, both. */
struct children {
	uint32_t *first, *order;
};

/* Children of one parent as compare(a, b, arg), of two node numbers, has them. */
struct children calltree_children(const struct calltree *t, int (*compare)(uint32_t a, uint32_t b, void *arg),
				  void *arg);
/* The same in the order of their labels' texts. */
struct children calltree_children_by_text(const struct calltree *t);
/* Nodes 1 to count - 1, parents first, then their children with all below, in their order. To be freed. */
uint32_t *calltree_walk(const struct calltree *t, const struct children *c);

#endif
