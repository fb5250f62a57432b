/*
 * labels.h - folded lines into a tree of places
 */
#ifndef MEMFLAME_LABELS_H
#define MEMFLAME_LABELS_H

#include "folded.h"
#include "tree.h"

/*
 * Read lines to the end, or to a bad one. Their numbers go to the nodes' bytes;
 * of a difference before to bytes, after to count.
 */
void labels_take(struct folded *f, struct tree *t);

#endif
