/*
 * trace.h - what a trace's stacks hold, into a tree
 */
#ifndef MEMFLAME_TRACE_H
#define MEMFLAME_TRACE_H

#include "tally.h"
#include "tree.h"

/* Put every stack of the tally that holds anything into the tree, bytes and allocations. */
void trace_take(const struct tally *tally, struct tree *t);

#endif
