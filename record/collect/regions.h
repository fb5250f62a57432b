/*
 * regions.h - the mappings of one process: ranges that may be unmapped in parts
 *
 * A sorted array of ranges that do not overlap. munmap may take a whole range, either
 * end of it or its middle, and several at once; so may a mapping put on top
 * of others (MAP_FIXED).
 */
#ifndef REGIONS_H
#define REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096ull

struct region {
	uint64_t start, end;	/* end is rounded up to a page */
	uint64_t padding;	/* bytes of the last page that were not asked for */
	uint32_t id, stack;
	uint8_t allocator;
};

/* Bytes that were asked for and are still mapped. */
static inline uint64_t region_size(const struct region *r)
{
	return r->end - r->start - r->padding;
}

struct regions {
	struct region *at;
	size_t n, cap;
};

/* What is to be told of a change. */
struct region_changes {
	void (*gone)(void *arg, const struct region *r);	/* all of it */
	/* r is what is left, after losing so many bytes */
	void (*shrunk)(void *arg, const struct region *r, uint64_t lost);
	void (*split)(void *arg, struct region *right);		/* a new range is left beyond the hole: give it an id */
	void *arg;
};

void regions_clear(struct regions *r);
/* Put a range where nothing is (regions_cut() it first). */
void regions_put(struct regions *r, const struct region *new);
/* Unmap [start, start + size), size rounded up to pages. */
void regions_cut(struct regions *r, uint64_t start, uint64_t size, const struct region_changes *tell);
/* The first byte of [*start, end) that is mapped: *start becomes it, *r its range. False: there is none. */
bool regions_next(const struct regions *r, uint64_t *start, uint64_t end, struct region *at);
/* Take out the range that is exactly [start, start + size); false: there is no such. */
bool regions_take(struct regions *r, uint64_t start, uint64_t size, struct region *was);

#endif
