/*
 * memory.h - the agent's own pages, by raw system calls, and a lock for its rare paths
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed pages, not reserved, seen by no hook. NULL: none to be had. */
void *pages_new(size_t size);
void pages_free(void *p, size_t size);

/*
 * Spins, then sleeps by futex. Taken only on paths that create something new;
 * a forked child starts with fresh locks.
 */
struct lock { uint32_t word; };
void lock_take(struct lock *l);
/* Take it if it is free. */
bool lock_try(struct lock *l);
void lock_drop(struct lock *l);

#endif
