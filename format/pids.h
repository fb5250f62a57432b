/*
 * pids.h - a number of the caller's for each pid, such as its place in a table
 *
 * Memory: 25 to 50 bytes for every pid that was asked for.
 */
#ifndef PIDS_H
#define PIDS_H

#include "index.h"

struct pids_entry {
	uint32_t pid, number;
};

/* All zero: empty. */
struct pids {
	struct pids_entry *at;
	size_t n, cap;
	uint32_t last;		/* the entry that was asked for last */
	struct index index;
};

#define PIDS_NONE UINT32_MAX

/* Returns the pid's number, to be read and set until the next call; at first it is PIDS_NONE. Dies without memory. */
uint32_t *pids_number(struct pids *p, uint32_t pid);
/* Forgets all pids. */
void pids_clear(struct pids *p);

#endif
