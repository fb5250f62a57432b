/*
 * evaluators.h - which Python frames a C frame runs
 */
#ifndef EVALUATORS_H
#define EVALUATORS_H

#include <stdint.h>

/*
 * Something that an evaluator (a call of the interpreter's loop) keeps on the C
 * stack while it runs, and how many Python frames it runs.
 */
struct evaluator {
	uintptr_t at;
	uint32_t frames;
	uint32_t frame;			/* for the walker: the C frame that holds it */
};

/* Its own: what it came by, newest first: a frame entered from C (at its evaluator's), any other (at 0), a shim. */
enum found_kind { FOUND_FRAME, FOUND_HIDDEN, FOUND_SHIM };
struct found {
	uintptr_t at;
	enum found_kind kind;
};

/* Its own: how many evaluators there are up to a Python frame, and how many frames the last runs up to it. */
struct upto { uint32_t evaluators, frames; };

/* A thread's. All zero is one that was never read. */
struct evaluators {
	struct evaluator *e;		/* oldest first */
	uint32_t n, capacity;
	uint64_t capture;		/* pystack.c's number of the one it was read for */
	struct found *found;
	struct upto *upto;		/* by Python frame, oldest first */
	uint32_t n_found, found_capacity, n_upto, upto_capacity;
};

/* The calling thread's, as of its last pystack_capture(), which must have found a stack. */
void evaluators_read(struct evaluators *list);

#endif
