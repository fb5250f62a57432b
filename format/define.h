/*
 * define.h - write a trace whose stacks come from another
 *
 * A trace defines functions, frames and stacks, numbered consecutively, before
 * it uses them. A program that makes a trace from others (one process of it,
 * several merged) asks here for the numbers it is about to use; new ones are
 * defined first. Equal definitions have the same number.
 */
#ifndef DEFINE_H
#define DEFINE_H

#include "sources.h"
#include "stacks.h"

/* Return a number, and define it in `out` if it is new (errors stick there). `known` holds that trace's definitions. */
uint32_t define_function(struct mt_out *out, struct stacks *known, struct mt_event *function);
uint32_t define_frame(struct mt_out *out, struct stacks *known, uint32_t function, uint32_t line);
uint32_t define_stack(struct mt_out *out, struct stacks *known, uint32_t parent, uint32_t frame);

/* Writes all definitions of `known` into another trace, with the same numbers. Returns 0, or -1 as mt_put(). */
int define_all(struct mt_out *out, const struct stacks *known);

/* Maps one table's numbers to those of a trace being written. Starts all zero except the first four members. */
struct define {
	struct mt_out *out;
	struct stacks *known;		/* of the trace being written */
	const struct stacks *from;
	const struct sources *sources;	/* of its lines, written when a frame is defined; NULL: none */
	struct idset *lines;		/* those that have been written; NULL: none yet */
	/* Called when a function's line is defined, by its numbers in the trace; NULL: not */
	void (*new_frame)(void *arg, uint32_t function, uint32_t line);
	void *arg;
	uint32_t *to;			/* per stack of `from`: its number in the trace; 0 = not yet */
	size_t cap;
};

/* Returns the number in the trace of stack n of `from`. */
uint32_t define_copy(struct define *d, uint32_t n);
void define_clear(struct define *d);

#endif
