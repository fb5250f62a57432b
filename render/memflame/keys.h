/*
 * keys.h - numbers for combinations of thread, stack and allocator
 */
#ifndef MEMFLAME_KEYS_H
#define MEMFLAME_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"

struct who {
	uint32_t thread, stack;	/* numbers of threads.h and stacks.h */
	uint16_t allocator;
	uint16_t phase;		/* of its process: enum phase */
};

/* Starts all zero. Takes 32 to 56 bytes per key. */
struct keys {
	struct who *at;
	uint32_t n;
	size_t cap;
	struct index index;
	uint32_t *last;		/* per stack, its last key (number + 1), which its next event mostly has too */
	size_t n_last, cap_last;
};

/* Returns the number of a combination; new ones are numbered from 0. Exits if out of memory. */
uint32_t keys_number(struct keys *k, struct who who);
/* Frees what only keys_number() needs. */
void keys_close(struct keys *k);
void keys_clear(struct keys *k);

#endif
