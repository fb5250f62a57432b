/*
 * holders.h - which blocks refer to which: where references can begin, and the rows of those found
 */
#ifndef HOLDERS_H
#define HOLDERS_H

#include "census/census.h"
#include "process.h"
#include "reference_rows.h"

struct holders {
	struct process *process;
	const struct texts *labels;
	uint64_t time_ms;
	void (*begin)(void *arg);	/* called before the first row; may be NULL */
	void *arg;
	struct census_range *roots;	/* the variables of modules, and the first thread's stack */
	size_t n_roots, cap_roots;
	struct reference_row row;
	const char *root;		/* of the row; NULL: blocks */
	bool begun;
};

/* Finds the roots of a process in its copy, and sets these and the functions of the source. */
void holders_begin(struct holders *h, pid_t copy, struct census_source *source);
/* Writes the last row. */
void holders_end(struct holders *h);

#endif
