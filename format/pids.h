/*
 * pids.h - map a pid to a number chosen by the caller, such as an index
 *
 * Memory: 25 to 50 bytes per pid looked up.
 */
#ifndef PIDS_H
#define PIDS_H

#include "index.h"

struct pids_entry {
	uint32_t pid, number;
};

/* Starts all zero. */
struct pids {
	struct pids_entry *at;
	size_t n, cap;
	uint32_t last;		/* the entry last looked up */
	struct index index;
};

#define PIDS_NONE UINT32_MAX

/* Returns the pid's number, which the caller may set until the next call; first PIDS_NONE. Exits if out of memory. */
uint32_t *pids_number(struct pids *p, uint32_t pid);
/* Removes all pids. */
void pids_clear(struct pids *p);

#endif
