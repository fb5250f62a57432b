/*
 * labels.h - read folded lines into a tree of places
 */
#ifndef MEMFLAME_LABELS_H
#define MEMFLAME_LABELS_H

#include "folded.h"
#include "tree.h"

/*
 * Reads lines to the end, or to a bad one. Their numbers become the nodes' bytes;
 * in a difference, bytes is the number before and count the number after.
 */
void labels_take(struct folded *f, struct tree *t);

#endif
