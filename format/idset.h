/*
 * idset.h - a set of allocation ids, one bit each
 *
 * For filters that drop allocations together with their frees.
 * Memory: one bit per id where members are close together; a single member
 * among 4096 ids costs 512 bytes.
 */
#ifndef IDSET_H
#define IDSET_H

#include <stdbool.h>
#include <stdint.h>

struct idset;

/* Exits if out of memory, as idset_add() does. */
struct idset *idset_new(void);
void idset_free(struct idset *s);
void idset_add(struct idset *s, uint32_t id);
/* Removes the id; returns whether it was a member. */
bool idset_remove(struct idset *s, uint32_t id);
bool idset_has(const struct idset *s, uint32_t id);
void idset_clear(struct idset *s);

#endif
