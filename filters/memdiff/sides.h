/*
 * sides.h - the two things memdiff compares, in one tree
 */
#ifndef SIDES_H
#define SIDES_H

#include <stdbool.h>

#include "calltree.h"
#include "tally.h"

/* What to take of a trace, and how its stacks are called. */
struct side_options {
	enum tally_what what;
	enum stacks_detail detail;
	bool count;
};

struct side {
	const char *name;
	char *title;		/* what the numbers are, of a trace; NULL: folded lines. To be freed */
	uint64_t total;
};

/*
 * Read a trace or folded lines from `path` ("-" is standard input) and add the
 * numbers of its stacks to own[which] of their nodes. Returns the exit status: 0, or 1
 * if it was damaged, which it reports. Dies if it cannot be read at all.
 */
int side_read(struct side *side, const char *path, struct calltree *t, int which, const struct side_options *o);

#endif
