/*
 * pins.h - what keeps pages resident: the live blocks of a census on the resident pages of its process
 *
 * A page with a byte of a live block is pinned by it. The other resident pages are free but held. A run of them counts
 * for the block after it: the C library returns the memory of its first heap only from the end, and
 * Python an arena only as a whole. After the last block of a mapping, a run counts for that block; in the heap of
 * brk(2) for none.
 *
 * Memory: 24 bytes for each block, 16 for each range of pages, 64 for each key.
 */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memtrace.h"

/* Who manages the memory. */
enum pins_area {
	PINS_HEAP,		/* the C library's first heap, grown by brk(2) */
	PINS_ARENAS,		/* its further heaps, of threads */
	PINS_LARGE,		/* blocks that it has mapped one by one */
	PINS_PYTHON,		/* blocks of at most 512 bytes elsewhere: Python's own allocator */
	PINS_MAPPED,		/* mappings of the program, stacks of its threads too */
	PINS_OTHER,		/* other blocks */
	PINS_NONE,		/* without recorded blocks: the first stack, variables of C, the recorder's agent */
	N_PINS_AREAS,
};

/* Bytes. resident = used + free + between, but of PINS_NONE only `resident` is known. */
struct pins_amount {
	uint64_t resident;
	uint64_t live, blocks;		/* blocks: their number; a block may have pages that are not resident */
	uint64_t used;			/* bytes of live blocks that are resident */
	uint64_t free;			/* whole pages without a live block */
	uint64_t between;		/* between live blocks, on their pages */
	uint64_t largest;		/* the largest run of such pages */
};

/* What the blocks of a key pin. */
struct pins_key {
	uint64_t live, blocks;
	uint64_t pages;			/* bytes of the pages that they are on, … */
	uint64_t alone;			/* … of those that have blocks of no other key */
	uint64_t held;			/* bytes of free pages that count for them */
	uint64_t last_page;		/* for pins_solve() */
};

struct pins_block {
	uint64_t addr, size;
	uint32_t key;
};

struct pins_range {
	uint64_t start, end;		/* addresses */
	uint64_t mapping;		/* the beginning of the first row of its mapping */
	uint8_t kind;			/* enum mapping_kind */
};

struct pins {
	struct pins_block *blocks;
	size_t n_blocks, cap_blocks;
	struct pins_range *ranges;
	size_t n_ranges, cap_ranges;
	uint64_t row_end;		/* of the last row of pages, … */
	uint64_t mapping;		/* … and the beginning of its mapping */
	struct pins_amount areas[N_PINS_AREAS];
	struct pins_amount all;
	uint64_t held;			/* bytes of free pages that count for a block */
	struct pins_key *keys;
	uint32_t n_keys;
};

/* Empties it, for a new census. Exits if out of memory, as the others do. */
void pins_begin(struct pins *p);
void pins_clear(struct pins *p);
/* A block of the census. Keys are small numbers chosen by the caller (they index an array). */
void pins_add_block(struct pins *p, uint64_t addr, uint64_t size, uint32_t key);
/* MT_PAGES. */
void pins_add_pages(struct pins *p, const struct mt_event *ev);
/* Fills in areas, all and keys. Returns false if no pages are known. */
bool pins_solve(struct pins *p);
/* Returns the bytes that malloc_trim(3) would return to the system: whole free pages of the C library's heaps. */
uint64_t pins_trim(const struct pins *p);

/* Returns "C library, first heap", … */
const char *pins_area_name(enum pins_area area);

#endif
