/*
 * pystack.h - the calling thread's Python stack
 */
#ifndef PYSTACK_H
#define PYSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "pylayout.h"

/* ---------------------------------------------------------------- for hooks */

/* Look for an interpreter (in the constructor, and again now and then until found). Allocates nothing. */
void pystack_init(void);
/*
 * The calling thread is about to load or unload objects: look at each allocation for a while. Any thread, keeps errno.
 */
void pystack_opening(void);
/*
 * The calling thread's Python stack as a node number (wire.h, WIRE_NODE), every new
 * code object, node and its parents put into the ring before it; 0: no Python here.
 * Called by the hooks with the agent's guard set; keeps errno.
 */
uint32_t pystack_capture(void);
/* A forked child that is recorded: forget every number given out and every lock. */
void pystack_forked(void);
/* A new session, no thread in a capture: forget every number given out. */
void pystack_restarted(void);
/* The recording ended: what was changed in the interpreter is put back. */
void pystack_stop(void);

/* Called when an interpreter was found. Set once, by the constructor, or NULL. */
extern void (*pystack_found)(const struct python *p);

/* ---------------------------------------------------------------- for parts that look at the interpreter too */

/* The interpreter in this process; NULL: none that is understood. */
const struct python *pystack_python(void);
/* A word that is not 0 from when the interpreter begins to end (_PyRuntime's finalizing); and what to call then. */
extern const volatile uintptr_t *pystack_finalizing;
void pystack_tell_finalizing(void);
/* The calling thread's PyThreadState, or 0. */
uintptr_t pystack_thread_state(const struct python *p);

/*
 * The calling thread's last capture: its number (not 0), how many frames it
 * found (the interpreter's own not counted), and how many of the oldest are
 * proven to be as they were in the capture before; `frame` is the newest of these.
 */
struct pystack_last {
	uint64_t capture;
	uintptr_t ts, frame;
	uint32_t levels, proven;
	const struct last_walk *walk;	/* lastwalk.h: its levels are that capture's until the next */
};
/* False: it found no stack. */
bool pystack_last(struct pystack_last *last);

#ifdef PYSTACK_VERIFY
/*
 * The node of the stack of thread state `ts`, found without any cache: another
 * walk, written apart, that reads the content of every code object anew.
 */
uint32_t pystack_reference(const struct python *p, uintptr_t ts);

struct pystack_counts {
	uint64_t captures, early_stops, rebuilds, mismatches;
};
extern struct pystack_counts pystack_counts;
/* For tests: stop at the first frame that looks as it did in the last walk. Wrong, and shown to be. */
extern bool pystack_naive;
/* For tests: stop early also while a debugger is at work. Wrong, and shown to be. */
extern bool pystack_trusting;
/* For tests: take a stamp for standing without a look at it. Wrong, and shown to be. */
extern bool pystack_blind;
/* For tests: walk with the layout as a variable, as an unknown patch release would be. */
extern bool pystack_generic;
#define COUNT(what) __atomic_add_fetch(&pystack_counts.what, 1, __ATOMIC_RELAXED)
#else
#define COUNT(what) ((void)0)
#endif

#endif
