/*
 * census_rows.h - the blocks in a row of MT_BLOCKS: where each is, and its type
 *
 * memtrace(5) specifies the row's map: the types it names, and three integers for each block.
 */
#ifndef CENSUS_ROWS_H
#define CENSUS_ROWS_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "live.h"
#include "memtrace.h"
#include "mp.h"
#include "texts.h"

#define CENSUS_ROW_BLOCKS 4096	/* the most that a writer puts into a row */

/* ---------------------------------------------------------------- writing */

struct census_row {
	struct texts types;
	msgpack_sbuffer blocks, map;
	uint32_t n;
	uint64_t addr, id;	/* of the last block */
};

void census_row_init(struct census_row *r);
void census_row_clear(struct census_row *r);
/* Empties the row. */
void census_row_begin(struct census_row *r);
/* type: copied; empty if it is not known. */
void census_row_add(struct census_row *r, uint64_t addr, uint32_t id, struct mt_str type);
/* Returns the map; valid until the next call for this row. */
struct mt_str census_row_done(struct census_row *r);
/*
 * For filters that number allocations anew: returns the map of an event with the new ids, which are the keys of
 * `live`. Blocks that are not live there are left out; a
 * row of references has none, and is returned as it is. Valid until the next call for this row.
 */
struct mt_str census_row_renumber(struct census_row *r, struct mt_str info, const struct live *live);

/* ---------------------------------------------------------------- reading */

struct census_reading {
	struct mp_view types, blocks;	/* those not read yet */
	uint32_t n_types, n_blocks;
	bool has_blocks;		/* it is not a row of references only */
	struct mt_str *names;		/* from number 1 on; they are the event's */
	uint32_t n_names;
	uint64_t addr, id;
};

struct census_entry {
	uint64_t addr;
	uint32_t id;
	struct mt_str type;		/* the event's; empty: not known */
	uint32_t type_number;		/* in this row; 0: not known */
};

/* Begins with the map of an event. Returns false if it is not such a map; then there are no blocks. */
bool census_reading_begin(struct census_reading *r, struct mt_str info);
/* Returns the next block; false at the end, and where the row is damaged. */
bool census_reading_next(struct census_reading *r, struct census_entry *e);
void census_reading_clear(struct census_reading *r);

#endif
