/*
 * regions.h - the mappings of one process: ranges that may be unmapped in parts
 *
 * A sorted array of ranges that do not overlap. munmap may remove a whole range, either
 * end of it or its middle, and parts of several at once; so may a mapping placed over
 * others (MAP_FIXED).
 */
#ifndef REGIONS_H
#define REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096ull

struct region {
	uint64_t start, end;	/* end is rounded up to a page */
	uint64_t padding;	/* bytes of the last page that were not requested */
	uint32_t id, stack;
	uint8_t allocator;
	bool apart;		/* the caller's; of the parts of a range too */
};

/* Returns the number of requested bytes that are still mapped. */
static inline uint64_t region_size(const struct region *r)
{
	return r->end - r->start - r->padding;
}

struct regions {
	struct region *at;
	size_t n, cap;
};

/* Callbacks for the effects of regions_cut(). */
struct region_changes {
	void (*gone)(void *arg, const struct region *r);	/* a whole range was removed */
	/* r remains, after losing so many bytes */
	void (*shrunk)(void *arg, const struct region *r, uint64_t lost);
	void (*split)(void *arg, struct region *right);		/* a new range remains after the hole: set its id */
	void *arg;
};

void regions_clear(struct regions *r);
/* Adds a range where there is none (call regions_cut() first). */
void regions_put(struct regions *r, const struct region *new);
/* Removes [start, start + size), with size rounded up to pages. */
void regions_cut(struct regions *r, uint64_t start, uint64_t size, const struct region_changes *changes);
/* Finds the first mapped byte of [*start, end); stores it in *start and its range in *at. False: there is none. */
bool regions_next(const struct regions *r, uint64_t *start, uint64_t end, struct region *at);
/* Removes the range that is exactly [start, start + size). Returns false if there is none. */
bool regions_take(struct regions *r, uint64_t start, uint64_t size, struct region *was);

#endif
