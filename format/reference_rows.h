/*
 * reference_rows.h - the references in a row of MT_BLOCKS: which block refers to which
 *
 * memtrace(5) specifies the row's map.
 */
#ifndef REFERENCE_ROWS_H
#define REFERENCE_ROWS_H

#include "census_rows.h"

#define REFERENCE_ROW_NUMBERS 65536u	/* about the most that a writer puts into a row */

/* ---------------------------------------------------------------- writing */

struct reference_row {
	struct texts names;
	msgpack_sbuffer numbers, map;
	uint32_t n;			/* of the numbers */
	uint64_t from, to;		/* the last ones */
};

void reference_row_init(struct reference_row *r);
void reference_row_clear(struct reference_row *r);
void reference_row_begin(struct reference_row *r);
/* n references from this address follow. */
void reference_row_from(struct reference_row *r, uint64_t from, uint32_t n);
/* To the block at this address: by name if it is not empty, or else with an index if that is not negative. */
void reference_row_to(struct reference_row *r, uint64_t to, struct mt_str name, int64_t index);
/* root: what refers to them if it is no block; NULL: blocks. Valid until the next call for this row. */
struct mt_str reference_row_done(struct reference_row *r, const char *root);

/* ---------------------------------------------------------------- reading */

struct reference_reading {
	struct mp_view names, numbers;	/* numbers: those not read yet */
	uint32_t n_numbers, left;	/* left: references of this block */
	struct mt_str root;		/* the event's; empty: blocks refer */
	struct mt_str *name;		/* from number 1 on; they are the event's */
	uint32_t n_names;
	uint64_t from, to;
};

struct reference_entry {
	uint64_t from, to;		/* addresses of blocks; from: 0 if a root refers */
	struct mt_str name;		/* the event's; empty: none */
	int64_t index;			/* -1: none */
};

/* Begins with the map of an event. Returns false if there are no references in it. */
bool reference_reading_begin(struct reference_reading *r, struct mt_str info);
/* Returns the next reference; false at the end, and where the row is damaged. */
bool reference_reading_next(struct reference_reading *r, struct reference_entry *e);
void reference_reading_clear(struct reference_reading *r);

#endif
