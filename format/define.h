/*
 * define.h - writing a trace whose stacks come from elsewhere
 *
 * A trace defines functions, frames and stacks before it uses them, numbered densely. A
 * writer that makes a trace out of others (one process of it, several merged)
 * asks here for the number of what it is about to use; what is new is defined
 * first. Equal content has one number.
 */
#ifndef DEFINE_H
#define DEFINE_H

#include "stacks.h"

/* Rows go to `out` (its error sticks); `known` holds what that trace has. A number is returned. */
uint32_t define_function(struct mt_out *out, struct stacks *known, struct mt_event *function);
uint32_t define_frame(struct mt_out *out, struct stacks *known, uint32_t function, uint32_t line);
uint32_t define_stack(struct mt_out *out, struct stacks *known, uint32_t parent, uint32_t frame);

/* From the numbers of one table to those of a trace being written. Starts all zero but for the first three. */
struct define {
	struct mt_out *out;
	struct stacks *known;		/* of the trace being written */
	const struct stacks *from;
	uint32_t *to;			/* per stack of `from`: its number in the trace; 0 = not yet */
	size_t cap;
};

/* The number in the trace of stack n of `from`. */
uint32_t define_copy(struct define *d, uint32_t n);
void define_clear(struct define *d);

#endif
