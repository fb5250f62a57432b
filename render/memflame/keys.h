/*
 * keys.h - who allocates where: threads, stacks and allocators, numbered together
 */
#ifndef MEMFLAME_KEYS_H
#define MEMFLAME_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"

struct who {
	uint32_t thread, stack;	/* numbers of threads.h and stacks.h */
	uint32_t allocator;
};

/* Starts all zero. 32 to 56 bytes each. */
struct keys {
	struct who *at;
	uint32_t n;
	size_t cap;
	struct index index;
	uint32_t *last;		/* per stack, the key it had last: mostly the next one's too; number + 1 */
	size_t n_last, cap_last;
};

/* The number of it; new ones count up from 0. Dies without memory. */
uint32_t keys_number(struct keys *k, struct who who);
void keys_clear(struct keys *k);

#endif
