/*
 * calltree.h - a tree of calls by the labels of their frames
 *
 * Nodes are numbered from 1, 0 is the root; parents have smaller numbers. Two
 * calls by one parent with equal labels are one node. Each node has two numbers
 * for the caller to use: bytes and allocations, or before and after.
 *
 * Memory: 40 to 68 bytes per node, and the labels (texts.h).
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

/* Exits if out of memory, as all functions here do. */
struct calltree *calltree_new(void);
void calltree_free(struct calltree *t);
/* Returns the number of a text, which is copied. */
uint32_t calltree_label(struct calltree *t, const char *text, size_t n);
const char *calltree_text(const struct calltree *t, uint32_t label);
/* Returns the call with that label under `parent`; creates it if there is none. */
uint32_t calltree_child(struct calltree *t, uint32_t parent, uint32_t label);
/* Nodes are 0 to count - 1; a pointer to one is valid until another is created. */
uint32_t calltree_count(const struct calltree *t);
struct call *calltree_call(struct calltree *t, uint32_t node);
/*
 * Returns the node of each stack of `s`, creating nodes as needed: an array of
 * stacks_count(s), which the caller frees. Stack 0 (not known) is a call of its
 * own. With STACKS_FILE, a call within one file is not a call. Stacks that
 * are not `wanted` (NULL: all are) get node 0; a wanted stack's callers must be wanted.
 */
uint32_t *calltree_add_stacks(struct calltree *t, struct stacks *s, enum stacks_detail detail, const bool *wanted);

/* The children of node n are order[first[n]] to order[first[n + 1] - 1]. The caller frees both arrays. */
struct children {
	uint32_t *first, *order;
};

/* Returns the children; compare(a, b, arg), given two node numbers, orders those of one parent. */
struct children calltree_children(const struct calltree *t, int (*compare)(uint32_t a, uint32_t b, void *arg),
				  void *arg);
/* The same, ordered by their labels' texts. */
struct children calltree_children_by_text(const struct calltree *t);
/* Returns nodes 1 to count - 1 in depth-first order, parents first; the caller frees the array. */
uint32_t *calltree_walk(const struct calltree *t, const struct children *c);

#endif
