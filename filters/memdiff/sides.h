/*
 * sides.h - read the two inputs of memdiff into one tree
 */
#ifndef SIDES_H
#define SIDES_H

#include <stdbool.h>

#include "calltree.h"
#include "tally.h"

/* Which allocations of a trace to compare, and how to label its stacks. */
struct side_options {
	enum tally_what what;
	enum stacks_detail detail;
	bool count;
};

struct side {
	const char *name;
	char *title;		/* of a trace's numbers; NULL: folded lines. The caller frees it */
	uint64_t total;
};

/*
 * Reads a trace or folded lines from `path` ("-" is standard input) and adds the
 * numbers of its stacks to own[which] of their nodes. Reports damage, and returns the
 * exit status, 0 or 1. Exits if the input cannot be read at all.
 */
int side_read(struct side *side, const char *path, struct calltree *t, int which, const struct side_options *o);

#endif
