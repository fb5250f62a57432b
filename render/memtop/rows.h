/*
 * rows.h - the rows of memtop's table, and the call tree of one of them
 */
#ifndef MEMTOP_ROWS_H
#define MEMTOP_ROWS_H

#include "state.h"

enum rows_by { ROWS_LINE, ROWS_FUNCTION, ROWS_PACKAGE, ROWS_PROCESS, ROWS_THREAD, ROWS_N_BY };
enum rows_sort { ROWS_OWN, ROWS_TOTAL, ROWS_COUNT, ROWS_GROWTH, ROWS_N_SORTS };

struct row {
	uint32_t origin;	/* for rows_tree() */
	char *text;
	uint64_t own, total, count;	/* total: callees included */
	long double growth;		/* of own, since the mark; 64 bits of mantissa make it exact */
};

struct rows {
	struct row *at;
	uint32_t n;
	uint64_t bytes;		/* of all rows, even those that the search hides */
};

struct grouping;

/* Groups the sources of a state, whose stacks must outlive it. Exits if out of memory, as all functions here do. */
struct grouping *grouping_new(enum rows_by by, const struct state *s);
void grouping_free(struct grouping *g);
const char *rows_by_name(enum rows_by by);
const char *rows_sort_name(enum rows_sort sort);

/* The heading of the table's numbers, and the numbers of one row. */
#define ROWS_HEAD "       Own      Total      Blocks      Growth  "
#define ROWS_NUMBERS 128
const char *rows_numbers(const struct row *row, char buf[ROWS_NUMBERS]);

/* Returns the rows whose texts contain `search` ("": all), sorted. rows_clear() frees them. */
struct rows rows_make(struct grouping *g, bool at_peak, enum rows_sort sort, const char *search);
void rows_clear(struct rows *r);

/* Returns the lines of the tree of calls that lead to an origin: callers before callees, and the largest first. */
struct rows rows_tree(struct grouping *g, uint32_t origin, bool at_peak);

#endif
