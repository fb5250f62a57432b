/*
 * rows.h - the rows of a trace: their kinds, and each kind's fields
 *
 * memtrace(5) is the specification. Reader, writer, header and JSON walk this
 * table; only allocations, frees, stacks and the rows of the context are read
 * and written by hand, which is faster or simpler.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memtrace.h"

/* Numbers of rows: 1 to 31 are enum mt_allocator; 32 to 47, and those from 52 on, are in kinds.def. */
enum row {
	ROW_FREE = 0,		/* never written as a row: a free is a bare negative integer */
	ROW_LAST_ALLOCATOR = 31,
	ROW_FIRST_EVENT = 32,
	ROW_STACK = 35,
	ROW_PID = 48,
	ROW_TID,
	ROW_TIME,
	ROW_SYNC,
	ROW_END = 63,
	N_ROWS
};

/*
 * The running values: a field named "id+" is a difference from `id`. time_ms is also
 * the context's time. `allocator` is that of the last allocation, 0 before the first.
 */
struct running {
	uint64_t id, live, stack, parent, frame, function, line, time_ms;
	uint8_t allocator;
};

/* Returns a free's integer, always negative: differences 0, -1, 1, -2, … become -1, -2, -3, -4, … */
static inline int64_t row_of_free(int64_t difference)
{
	return difference < 0 ? 2 * difference : -1 - 2 * difference;
}

static inline int64_t difference_of_free(int64_t row)
{
	return row & 1 ? (-1 - row) / 2 : row / 2;
}

/* The type of a field. */
enum field_type {
	FIELD_U32,
	FIELD_U32_OR_0,	/* JSON may leave it out; it is then 0 */
	FIELD_U64,
	FIELD_TIME,	/* less than 2^63 */
	FIELD_FLAG,	/* 0 or 1; in JSON false or true */
	FIELD_LANG,	/* enum mt_lang */
	FIELD_TEXT,	/* struct mt_str */
	FIELD_OBJECT,	/* struct mt_str: any msgpack object; an empty one is written as an empty map */
	FIELD_NEW,	/* the number that the row defines: always the next one, so not in the row */
	FIELD_DEFINED,	/* the number of a function defined before */
	FIELD_COUNTED,	/* no member: counted by the writer */
};

struct row_field {
	const char *name;	/* in JSON; in the header too if it is absolute */
	const char *running;	/* in the header, where '+' follows it: "line"; NULL: an absolute value */
	uint8_t type;		/* enum field_type */
	uint8_t member, size;	/* offset and size in struct mt_event */
	uint8_t base;		/* offset in struct running */
	uint64_t largest;	/* the largest number allowed */
};

/* Which of the rows pid, tid and time apply to an event. */
enum row_context { ROW_TAKES_PID = 1, ROW_TAKES_TID = 2, ROW_TAKES_TIME = 4 };

struct row_kind {
	const char *name;	/* NULL: no such kind */
	uint8_t row;
	uint8_t event;		/* enum mt_kind; meaningless for the rows of the context */
	uint8_t context;	/* enum row_context */
	uint8_t items;		/* of its row, including its number; a row of stacks may have more */
	uint8_t n_fields;
	const struct row_field *fields;
};

/* Indexed by the rows' numbers. */
extern const struct row_kind row_kinds[N_ROWS];

/* Returns the kind of row for such events. Not for MT_ALLOC, MT_HEADER and MT_OTHER, which have none of their own. */
const struct row_kind *row_of_event(enum mt_kind event);
/* Returns whether such a row has a field for this member (an offset) of struct mt_event. */
bool row_has(const struct row_kind *k, size_t member);

/* Returns a field's number in an event. */
static inline uint64_t row_number(const struct row_field *f, const struct mt_event *ev)
{
	const char *p = (const char *)ev + f->member;

	return f->size == 4 ? *(const uint32_t *)p : f->size == 8 ? *(const uint64_t *)p : *(const uint8_t *)p;
}

static inline void row_set_number(const struct row_field *f, struct mt_event *ev, uint64_t value)
{
	char *p = (char *)ev + f->member;

	if (f->size == 4)
		*(uint32_t *)p = (uint32_t)value;
	else if (f->size == 8)
		*(uint64_t *)p = value;
	else
		*(uint8_t *)p = (uint8_t)value;
}

static inline struct mt_str *row_text(const struct row_field *f, struct mt_event *ev)
{
	return (struct mt_str *)((char *)ev + f->member);
}

static inline uint64_t *row_base(const struct row_field *f, struct running *run)
{
	return f->running ? (uint64_t *)((char *)run + f->base) : NULL;
}

#endif
