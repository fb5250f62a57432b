/*
 * page_rows.h - a row of MT_PAGES: which pages of a mapping are resident
 *
 * memtrace(5) specifies the row's map.
 */
#ifndef PAGE_ROWS_H
#define PAGE_ROWS_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "memtrace.h"
#include "mp.h"

#define PAGE_ROW_RUNS 65536u	/* the most that a writer puts into a row; then it begins another one */
#define PAGE_ROW_PAGE 4096u	/* bytes */

enum mapping_kind { MAPPING_ANONYMOUS, MAPPING_HEAP, MAPPING_STACK, MAPPING_FILE, N_MAPPING_KINDS };

/* ---------------------------------------------------------------- writing */

struct page_row {
	msgpack_sbuffer runs, map;
	uint64_t start, n_pages;	/* so far */
	uint32_t n_runs;
};

void page_row_init(struct page_row *r);
void page_row_clear(struct page_row *r);
/* Empties the row; it begins at this address. */
void page_row_begin(struct page_row *r, uint64_t start);
/* So many pages are not resident, and so many after them are. */
void page_row_add(struct page_row *r, uint64_t absent, uint64_t resident);
/* Returns the map; valid until the next call for this row. */
struct mt_str page_row_done(struct page_row *r, enum mapping_kind kind);

/* ---------------------------------------------------------------- reading */

struct page_reading {
	struct mp_view runs;		/* those not read yet */
	uint32_t n_runs;
	uint64_t start, at;		/* addresses: the first, and of the next run */
	enum mapping_kind kind;
};

/* Returns false if it is not such a map; then there are no pages. */
bool page_reading_begin(struct page_reading *r, struct mt_str info);
/* Returns the next range of resident pages, of addresses; false at the end, and where the row is damaged. */
bool page_reading_next(struct page_reading *r, uint64_t *start, uint64_t *end);

#endif
