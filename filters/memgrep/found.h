/*
 * found.h - the blocks of a type that a census of each process found alive
 *
 * Memory: 100 bytes for each block.
 */
#ifndef FOUND_H
#define FOUND_H

#include "census_rows.h"

struct found;

/* The census number `wanted` of each process counts, from 1 on; 0: the last. Exits if out of memory, as all do here. */
struct found *found_new(uint64_t wanted);
void found_free(struct found *f);
/* Takes a census: what an earlier one of the process found is dropped. Call it for each, wanted or not. */
void found_begin(struct found *f, const struct mt_event *census);
/* Adds a block of this process's census: its MT_ALLOC event, and its entry. */
void found_add(struct found *f, uint32_t pid, const struct mt_event *alloc, const struct census_entry *e);
/*
 * Writes the allocations in order of time and, after those of a process, its census; then empties it. Returns 0, or -1
 * if writing failed.
 */
int found_put(struct found *f, struct mt_out *out);

#endif
