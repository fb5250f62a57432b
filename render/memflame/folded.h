/*
 * folded.h - folded lines into a tree
 */
#ifndef MEMFLAME_FOLDED_H
#define MEMFLAME_FOLDED_H

#include <stdio.h>

#include "tree.h"

/*
 * Read "outermost;...;innermost COUNT" lines to the end. Counts go to the
 * nodes' bytes. A bad line ends the program, naming `name` and the line.
 */
void folded_read(FILE *in, const char *name, struct tree *t);

#endif
