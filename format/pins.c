/*
 * pins.c - what keeps pages resident
 *
 * Source: malloc/malloc.c and malloc/arena.c of glibc: its further heaps begin at multiples of HEAP_MAX_SIZE, and a
 * block with a mapping of its own begins 16 bytes after a page does; Objects/obmalloc.c of CPython.
 */
#include "pins.h"

#include <stdlib.h>
#include <string.h>

#include "page_rows.h"
#include "xmalloc.h"

#define PAGE ((uint64_t)PAGE_ROW_PAGE)
#define GLIBC_HEAP (UINT64_C(64) << 20)
#define GLIBC_HEADER 16u
#define GLIBC_LARGE (UINT64_C(64) << 10)	/* no smaller block is mapped by default, whatever was freed before */
#define PYTHON_SMALL 512u
#define NO_PAGE UINT64_MAX

void pins_begin(struct pins *p)
{
	p->n_blocks = p->n_ranges = 0;
	p->row_end = p->mapping = 0;
}

void pins_clear(struct pins *p)
{
	free(p->blocks);
	free(p->ranges);
	free(p->keys);
	*p = (struct pins){ 0 };
}

void pins_add_block(struct pins *p, uint64_t addr, uint64_t size, uint32_t key)
{
	GROW(p->blocks, p->n_blocks, p->cap_blocks);
	p->blocks[p->n_blocks++] = (struct pins_block){ addr, size, key };
}

void pins_add_pages(struct pins *p, const struct mt_event *ev)
{
	struct page_reading reading;
	uint64_t start, end;

	if (!page_reading_begin(&reading, ev->info))
		return;
	if (reading.start != p->row_end)
		p->mapping = reading.start;
	while (page_reading_next(&reading, &start, &end)) {
		GROW(p->ranges, p->n_ranges, p->cap_ranges);
		p->ranges[p->n_ranges++] = (struct pins_range){ start & ~(PAGE - 1), end & ~(PAGE - 1), p->mapping,
								(uint8_t)reading.kind };
	}
	p->row_end = reading.at;
}

/* ---------------------------------------------------------------- order */

static int by_block(const void *a, const void *b)
{
	uint64_t x = ((const struct pins_block *)a)->addr, y = ((const struct pins_block *)b)->addr;

	return (x > y) - (x < y);
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct pins_range *)a)->start, y = ((const struct pins_range *)b)->start;

	return (x > y) - (x < y);
}

/* Ranges that overlap, as only a damaged trace has them, are cut. */
static void sort(struct pins *p)
{
	size_t n = 0;
	uint64_t end = 0;

	if (p->n_blocks)
		qsort(p->blocks, p->n_blocks, sizeof *p->blocks, by_block);
	if (p->n_ranges)
		qsort(p->ranges, p->n_ranges, sizeof *p->ranges, by_start);
	for (size_t i = 0; i < p->n_ranges; i++) {
		struct pins_range r = p->ranges[i];
		if (r.start < end)
			r.start = end;
		if (r.start < r.end) {
			p->ranges[n++] = r;
			end = r.end;
		}
	}
	p->n_ranges = n;
}

/* ---------------------------------------------------------------- pages */

/* A walk over the resident pages in the order of their addresses. */
struct walk {
	struct pins *p;
	size_t next;			/* the first block that may touch the next page */
	uint64_t run;			/* bytes of free pages since the last page with a block, in this mapping */
	const struct pins_block *last;	/* the last block in this mapping; NULL: none yet */
	enum pins_area last_area;
};

static enum pins_area area_of(const struct pins_block *b, const struct pins_range *r)
{
	if (r->kind == MAPPING_HEAP)
		return PINS_HEAP;
	if (r->mapping % GLIBC_HEAP == 0)
		return PINS_ARENAS;
	if (b->addr % PAGE == GLIBC_HEADER && b->size >= GLIBC_LARGE)
		return PINS_LARGE;
	if (b->addr % PAGE == 0 && b->size >= PAGE)
		return PINS_MAPPED;
	return b->size <= PYTHON_SMALL ? PINS_PYTHON : PINS_OTHER;
}

/* The free pages before a block, or, at the end of a mapping, after its last one (NULL: none). */
static void end_run(struct walk *w, const struct pins_block *b, enum pins_area area, bool held)
{
	struct pins_amount *a = &w->p->areas[area];

	a->resident += w->run;
	if (area == PINS_NONE) {	/* whether it is used is not known */
		w->run = 0;
		return;
	}
	a->free += w->run;
	a->largest = w->run > a->largest ? w->run : a->largest;
	if (b && held) {
		w->p->keys[b->key].held += w->run;
		w->p->held += w->run;
	}
	w->run = 0;
}

static void end_mapping(struct walk *w, const struct pins_range *r)
{
	enum pins_area area = w->last ? w->last_area : r->kind == MAPPING_HEAP ? PINS_HEAP : PINS_NONE;

	end_run(w, w->last, area, r->kind != MAPPING_HEAP);
	w->last = NULL;
}

static uint64_t end_of(const struct pins_block *b)
{
	return b->size > UINT64_MAX - b->addr ? UINT64_MAX : b->addr + b->size;
}

/* Counts a page for the keys of the blocks on it. Returns the bytes of them that are on the page. */
static uint64_t count_page(struct walk *w, size_t first, uint64_t page)
{
	struct pins *p = w->p;
	uint64_t used = 0, at = page, end = page + PAGE;
	uint32_t only = p->blocks[first].key;
	bool alone = true;

	for (size_t i = first; i < p->n_blocks && p->blocks[i].addr < end; i++) {
		const struct pins_block *b = &p->blocks[i];
		uint64_t b_end = end_of(b) < end ? end_of(b) : end, b_start = b->addr > at ? b->addr : at;
		struct pins_key *key = &p->keys[b->key];
		if (b_end > b_start) {
			used += b_end - b_start;
			at = b_end;
		} else if (b->addr < page) {
			continue;	/* it ends before the page */
		}
		alone = alone && b->key == only;
		if (key->last_page != page) {
			key->last_page = page;
			key->pages += PAGE;
		}
	}
	if (alone)
		p->keys[only].alone += PAGE;
	return used;
}

/* Takes a page that the next block touches. */
static void take_page(struct walk *w, const struct pins_range *r, uint64_t page)
{
	struct pins *p = w->p;
	struct pins_amount *a = &p->areas[area_of(&p->blocks[w->next], r)];
	uint64_t used = count_page(w, w->next, page);

	a->resident += PAGE;
	a->used += used;
	a->between += PAGE - used;
	while (w->next + 1 < p->n_blocks && p->blocks[w->next + 1].addr - page < PAGE)
		w->next++;
}

/* Takes pages that the next block fills. */
static void take_filled(struct walk *w, const struct pins_range *r, uint64_t page, uint64_t bytes)
{
	const struct pins_block *b = &w->p->blocks[w->next];
	struct pins_amount *a = &w->p->areas[area_of(b, r)];
	struct pins_key *key = &w->p->keys[b->key];

	a->resident += bytes;
	a->used += bytes;
	key->pages += bytes;
	key->alone += bytes;
	key->last_page = page + bytes - PAGE;
}

/* Takes some pages from `page` on, and returns the address of the first page after them. */
static uint64_t take_pages(struct walk *w, const struct pins_range *r, uint64_t page)
{
	struct pins *p = w->p;

	while (w->next < p->n_blocks && p->blocks[w->next].addr < page && end_of(&p->blocks[w->next]) <= page)
		w->next++;
	const struct pins_block *b = w->next < p->n_blocks ? &p->blocks[w->next] : NULL;
	uint64_t first = b ? b->addr & ~(PAGE - 1) : UINT64_MAX;
	if (first > page) {
		uint64_t end = first < r->end ? first : r->end;
		w->run += end - page;
		return end;
	}
	end_run(w, b, area_of(b, r), true);
	uint64_t end = end_of(b) < r->end ? end_of(b) : r->end, filled = (end - page) & ~(PAGE - 1);
	if (b->addr > page)
		filled = 0;
	if (filled)
		take_filled(w, r, page, filled);
	else
		take_page(w, r, page);
	w->last = &p->blocks[w->next];
	w->last_area = area_of(w->last, r);
	return page + (filled ? filled : PAGE);
}

/* Blocks count where they are, resident or not. */
static void count_blocks(struct pins *p)
{
	size_t r = 0;

	for (size_t i = 0; i < p->n_blocks; i++) {
		const struct pins_block *b = &p->blocks[i];
		while (r < p->n_ranges && p->ranges[r].end <= b->addr)
			r++;
		enum pins_area area = r < p->n_ranges ? area_of(b, &p->ranges[r]) : PINS_OTHER;
		p->areas[area].live += b->size;
		p->areas[area].blocks++;
		p->keys[b->key].live += b->size;
		p->keys[b->key].blocks++;
	}
}

static void add_up(struct pins *p)
{
	for (int i = 0; i < N_PINS_AREAS; i++) {
		const struct pins_amount *a = &p->areas[i];
		p->all.resident += a->resident;
		p->all.live += a->live;
		p->all.blocks += a->blocks;
		p->all.used += a->used;
		p->all.free += a->free;
		p->all.between += a->between;
		p->all.largest = a->largest > p->all.largest ? a->largest : p->all.largest;
	}
}

bool pins_solve(struct pins *p)
{
	struct walk w = { .p = p };

	sort(p);
	p->n_keys = 0;
	for (size_t i = 0; i < p->n_blocks; i++)
		p->n_keys = p->blocks[i].key >= p->n_keys ? p->blocks[i].key + 1 : p->n_keys;
	free(p->keys);
	p->keys = xcalloc((size_t)p->n_keys + 1, sizeof *p->keys);
	for (uint32_t i = 0; i < p->n_keys; i++)
		p->keys[i].last_page = NO_PAGE;
	memset(p->areas, 0, sizeof p->areas);
	p->all = (struct pins_amount){ 0 };
	p->held = 0;
	for (size_t i = 0; i < p->n_ranges; i++) {
		const struct pins_range *r = &p->ranges[i];
		if (i && r->mapping != r[-1].mapping)
			end_mapping(&w, &r[-1]);
		for (uint64_t page = r->start; page < r->end; )
			page = take_pages(&w, r, page);
	}
	if (p->n_ranges)
		end_mapping(&w, &p->ranges[p->n_ranges - 1]);
	count_blocks(p);
	add_up(p);
	return p->n_ranges > 0;
}

uint64_t pins_trim(const struct pins *p)
{
	return p->areas[PINS_HEAP].free + p->areas[PINS_ARENAS].free;
}

const char *pins_area_name(enum pins_area area)
{
	static const char *const names[N_PINS_AREAS] = {
		[PINS_HEAP] = "C library, first heap", [PINS_ARENAS] = "C library, thread heaps",
		[PINS_LARGE] = "C library, large blocks", [PINS_PYTHON] = "Python's arenas",
		[PINS_MAPPED] = "mappings", [PINS_OTHER] = "other blocks", [PINS_NONE] = "no blocks",
	};
	return names[area];
}
