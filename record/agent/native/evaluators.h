/*
 * evaluators.h - which Python frames a C frame runs
 */
#ifndef EVALUATORS_H
#define EVALUATORS_H

#include <stdint.h>

/*
 * An evaluator is a call of the interpreter's loop. `at` is the address of data that
 * it keeps on the C stack while it runs, `frames` the number of Python frames it runs.
 */
struct evaluator {
	uintptr_t at;
	uint32_t frames;
	uint32_t frame;			/* for native.c: the index of the C frame that holds `at` */
};

/* Private: a frame read, newest first. `at`: the evaluator's, if C code entered the frame or it is a shim; else 0. */
enum found_kind { FOUND_FRAME, FOUND_HIDDEN, FOUND_SHIM };
struct found {
	uintptr_t at;
	enum found_kind kind;
};

/* Private: the number of evaluators up to a Python frame, and of frames that the last of them runs up to it. */
struct upto { uint32_t evaluators, frames; };

/* Each thread has one. All zero: never read. */
struct evaluators {
	struct evaluator *e;		/* oldest first */
	uint32_t n, capacity;
	/* So many of the oldest are as in the capture before, except that the last may run other frames; … */
	uint32_t kept;
	uint32_t same;			/* … and are the same calls: their C frames have not returned */
	uint32_t proven;		/* so many of the oldest Python frames are the same activations as then */
	uint32_t levels, levels_before;	/* number of Python frames in this capture, and in the one before */
	uint64_t capture;		/* the number of pystack.c's capture that it was read for */
	struct found *found;
	struct upto *upto;		/* by Python frame, oldest first */
	uint32_t n_found, found_capacity, n_upto, upto_capacity;
};

/* Reads the calling thread's evaluators as of its last pystack_capture(), which must have found a stack. */
void evaluators_read(struct evaluators *list);

#endif
