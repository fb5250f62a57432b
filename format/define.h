/*
 * define.h - write a trace whose stacks come from another
 *
 * A trace defines functions, frames and stacks, numbered consecutively, before
 * it uses them. A writer that makes a trace from others (one process of it,
 * several merged) asks here for the numbers it is about to use; new ones are
 * defined first. Equal content has one number.
 */
#ifndef DEFINE_H
#define DEFINE_H

#include "stacks.h"

/* Return a number. Rows go to `out` (whose error sticks); `known` holds the definitions of that trace. */
uint32_t define_function(struct mt_out *out, struct stacks *known, struct mt_event *function);
uint32_t define_frame(struct mt_out *out, struct stacks *known, uint32_t function, uint32_t line);
uint32_t define_stack(struct mt_out *out, struct stacks *known, uint32_t parent, uint32_t frame);

/* Maps the numbers of one table to those of a trace being written. Starts all zero except the first three. */
struct define {
	struct mt_out *out;
	struct stacks *known;		/* of the trace being written */
	const struct stacks *from;
	uint32_t *to;			/* per stack of `from`: its number in the trace; 0 = not yet */
	size_t cap;
};

/* Returns the number in the trace of stack n of `from`. */
uint32_t define_copy(struct define *d, uint32_t n);
void define_clear(struct define *d);

#endif
