/*
 * owned.h - find the live blocks of a process when it ends
 *
 * In most traces few processes end, and a walk over all live blocks finds those of one. If many end, such walks would
 * take time quadratic in their number. Then this keeps a list of ids for each process.
 *
 * Memory: nothing until walks have visited 16 million blocks; then 4 to 12 bytes per live block, and 70 to 150 per
 * process.
 */
#ifndef OWNED_H
#define OWNED_H

#include <stddef.h>

#include "live.h"
#include "pids.h"

struct owned_ids {
	uint32_t pid, *ids;	/* some may have been freed, or belong to another process by now, or be listed twice */
	size_t n, cap, checked;	/* checked: the number of ids left by the last check */
};

/* Returns the process to which a live block belongs. */
typedef uint32_t owned_pid_of(const void *arg, const struct block *b);

/* Starts all zero, except for the first three members. */
struct owned {
	const struct live *live;
	owned_pid_of *pid_of;
	const void *arg;
	uint64_t walked;	/* blocks visited by walks */
	struct owned_ids *of;
	size_t n, cap;
	struct pids by_pid;
};

/* The number of blocks that walks may visit before ids are kept; tests change it. */
extern uint64_t owned_patience;

/* Returns whether ids are kept. If so, call owned_add() for each new block, and owned_take() instead of a walk. */
static inline bool owned_kept(const struct owned *o)
{
	return o->of != NULL;
}

/* Call this before a walk over all live blocks. Returns whether ids are kept from now on, so that no walk is needed. */
bool owned_instead_of_walk(struct owned *o);
void owned_add(struct owned *o, uint32_t pid, uint32_t id);
/* Removes the process; returns its live blocks' ids, *n of them, each once. The caller frees them. */
uint32_t *owned_take(struct owned *o, uint32_t pid, size_t *n);
/* Sorts n numbers in ascending order. */
void owned_sort(uint32_t *at, size_t n);
/* Removes everything and stops keeping ids. */
void owned_clear(struct owned *o);

#endif
