/*
 * rows.h - the changes between two inputs, by stack or by location
 */
#ifndef ROWS_OF_DIFF_H
#define ROWS_OF_DIFF_H

#include "sides.h"

enum { BEFORE, AFTER };

struct diff {
	struct calltree *calls;
	struct side before, after;
	bool count;		/* numbers are allocations, not bytes */
	bool types;		/* types are compared, not stacks */
};

/* Returns what a row is: "stack", "location" or "type". */
const char *rows_what(const struct diff *d, bool whole_stacks);

/* The amounts of a stack, or of a location: all stacks with one innermost call. */
struct row {
	uint32_t node;		/* the stack; for a location, the first one found */
	uint64_t before, after;
};

struct rows {
	struct row *at;		/* the caller frees it */
	uint32_t n;
};

/* Return a row for each stack; for each location. */
struct rows rows_of_stacks(const struct diff *d);
struct rows rows_of_locations(const struct diff *d);
/* Sorts by change, the largest first; returns the number of rows that changed. */
uint32_t rows_sort(struct rows *r);
/* Returns by how much the amount grew or shrank. */
uint64_t rows_distance(const struct row *r);

/* Sets *path to a node and its callers, innermost first; returns their number. */
size_t rows_path(struct calltree *t, uint32_t node, uint32_t **path, size_t *cap);
/* Returns "outermost;…;innermost"; the caller frees it. */
char *rows_stack(struct calltree *t, uint32_t node);

#define NUMBER_TEXT 28		/* enough for count_text() and size_text() */
#define CHANGE_TEXT (NUMBER_TEXT + 1)

/* Return "1.500kB"; "+1.500kB", "-3B", "0B". */
const char *rows_number(const struct diff *d, uint64_t value, char buf[NUMBER_TEXT]);
const char *rows_change(const struct diff *d, uint64_t before, uint64_t after, char buf[CHANGE_TEXT]);

#endif
