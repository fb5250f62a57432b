/*
 * idset.h - a set of allocation ids, a bit each
 *
 * For filters that drop allocations, and their frees with them.
 * Memory: an eighth of a byte for each id between neighbours that are in; one
 * that stands alone among 4096 costs 512 bytes.
 */
#ifndef IDSET_H
#define IDSET_H

#include <stdbool.h>
#include <stdint.h>

struct idset;

/* Dies without memory, as idset_add() does. */
struct idset *idset_new(void);
void idset_free(struct idset *s);
void idset_add(struct idset *s, uint32_t id);
/* Take it out: whether it was in. */
bool idset_remove(struct idset *s, uint32_t id);
bool idset_has(const struct idset *s, uint32_t id);
void idset_clear(struct idset *s);

#endif
