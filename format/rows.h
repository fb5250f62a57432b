/*
 * rows.h - what the reader and the writer agree on: the numbers of the rows' kinds
 *
 * memtrace(5) is the specification; 1 to 14 are enum mt_allocator.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

enum row {
	ROW_FREE = 0,		/* never written as a row: a free is a bare negative integer */
	ROW_LAST_ALLOCATOR = 31,
	ROW_RESIZE = 32,
	ROW_FUNCTION,
	ROW_FRAME,
	ROW_STACK,
	ROW_PROCESS,
	ROW_EXIT,
	ROW_THREAD,
	ROW_RSS,
	ROW_LOST,
	ROW_SKIPPED,
	ROW_SPAN,
	ROW_PID = 48,
	ROW_TID,
	ROW_TIME,
	ROW_SYNC,
	ROW_END = 63,
};

/*
 * The running values: what a field named "id+" differs from. time_ms is the
 * context's time too. `allocator` is that of the last allocation, 0: none yet.
 */
struct running {
	uint64_t id, live, stack, parent, frame, function, line, time_ms;
	uint8_t allocator;
};

/* A free's integer, always negative: differences 0, -1, 1, -2, … as -1, -2, -3, -4, … */
static inline int64_t row_of_free(int64_t difference)
{
	return difference < 0 ? 2 * difference : -1 - 2 * difference;
}

static inline int64_t difference_of_free(int64_t row)
{
	return row & 1 ? (-1 - row) / 2 : row / 2;
}

/* The kinds as the header describes them. */
struct row_kind {
	uint8_t kind;
	const char *name, *fields;	/* fields: separated by spaces */
};

extern const struct row_kind row_kinds[];	/* ends with a NULL name */

#endif
