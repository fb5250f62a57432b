/*
 * native.h - the calling thread's stack of C functions, and Python's among them
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

/* Asked for (--native). Constant while recording. */
extern bool native_on;

/* In the constructor, or when a session begins. */
void native_init(void);

/*
 * The calling thread's whole stack as a node number (wire.h: WIRE_NATIVE and
 * WIRE_HYBRID), from a frame that stands still meanwhile (CFI_BEGIN) outwards,
 * less the agent's own; what is new of it was put into the ring before. As
 * pystack_capture(), which it calls.
 */
uint32_t native_capture(const struct cfi_frame *begin);

/* A forked child that is recorded; after pystack_forked(). */
void native_forked(void);
/* A new session, no thread in a capture: no number was given out. */
void native_restarted(void);

/* ---- modules.c: the objects that code was seen in ---- */

/* Tell the collector of the object at pc, if it was not yet told. */
void module_of(uintptr_t pc);
/* Some object was unloaded: if it was one of those told of, begin anew. True: numbers given to its code are void. */
bool modules_unloaded(void);
void modules_forked(void);

/* ---- evaluators.c: which Python frames a C frame runs ---- */

/*
 * Something that an evaluator (a call of the interpreter's loop) keeps on the C
 * stack while it runs, and how many Python frames it runs.
 */
struct evaluator {
	uintptr_t at;
	uint32_t frames;
	uint32_t frame;			/* for the walker: the C frame that holds it */
};

/* For evaluators.c: what it came by, newest first: a frame entered from C (at its evaluator's), any other (at 0), a shim. */
enum found_kind { FOUND_FRAME, FOUND_HIDDEN, FOUND_SHIM };
struct found {
	uintptr_t at;
	enum found_kind kind;
};

/* For evaluators.c: how many evaluators there are up to a Python frame, and how many frames the last runs up to it. */
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

#ifdef NATIVE_VERIFY
/* For tests: the last capture's frames, newest first; their number. */
uint32_t native_frames(uintptr_t *pc, uint32_t n);
extern bool native_no_flush;
/* For tests: take a trail without a look at its addresses. Wrong, and shown to be. */
extern bool native_blind;
#endif

#endif
