/*
 * pystack.h - the calling thread's Python stack
 */
#ifndef PYSTACK_H
#define PYSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "pylayout.h"

/* ---------------------------------------------------------------- for hooks */

/* Searches for an interpreter (in the constructor, and again at some allocations until found). Allocates nothing. */
void pystack_init(bool in_constructor);
/*
 * The calling thread is about to load or unload objects: search at each allocation for a while. Thread-safe; preserves
 * errno.
 */
void pystack_opening(void);
/*
 * Returns the calling thread's Python stack as a node number (wire.h, WIRE_NODE), after putting every new
 * code object and node into the ring. 0: no Python here; WIRE_NO_FRAME: no frame of it.
 * Called by the hooks with the agent's guard set; preserves errno.
 */
uint32_t pystack_capture(void);
/* In a forked child that is recorded: discards all numbers and resets all locks. */
void pystack_forked(void);
/* For a new session, while no thread is in a capture: discards all numbers. */
void pystack_restarted(void);
/* At the end of a recording: undoes the changes in the interpreter. */
void pystack_stop(void);

/* Called when an interpreter has been found. Set once, by the constructor; may be NULL. */
extern void (*pystack_found)(const struct python *p);

/* ---------------------------------------------------------------- for other parts that read the interpreter */

/* Returns the interpreter in this process, or NULL if there is none that is supported. */
const struct python *pystack_python(void);
/* Whether it had begun when the recording of this process did. */
bool pystack_underway(void);
/* Whether functions of that interpreter may be called: it has begun, or was there before the program did. */
bool pystack_may_call(void);
/* A word that is not 0 once the interpreter finalizes (_PyRuntime's finalizing); and the function to call then. */
extern const volatile uintptr_t *pystack_finalizing OWN;
void pystack_tell_finalizing(void);
/* Returns the calling thread's PyThreadState, or 0. */
uintptr_t pystack_thread_state(const struct python *p);

/*
 * The calling thread's last capture: its number (not 0), how many frames it
 * found (without the interpreter's own), and how many of the oldest are
 * proved unchanged since the capture before; `frame` is the newest of these.
 */
struct pystack_last {
	uint64_t capture;
	uintptr_t ts, frame;
	uint32_t levels, proven;
	const struct last_walk *walk;	/* lastwalk.h: its levels are those of this capture until the next */
};
/* Returns false if the last capture found no stack. */
bool pystack_last(struct pystack_last *last);

#ifdef PYSTACK_VERIFY
/*
 * Returns the node of the stack of thread state `ts`, found without any cache: a separate
 * implementation, which reads the content of every code object again.
 */
uint32_t pystack_reference(const struct python *p, uintptr_t ts);

struct pystack_counts {
	uint64_t captures, early_stops, rebuilds, mismatches;
};
extern struct pystack_counts pystack_counts;
/* For tests: stop at the first frame that looks as in the last walk. Wrong on purpose: the tests must notice. */
extern bool pystack_naive;
/* For tests: stop early even while a debugger is active. Wrong on purpose. */
extern bool pystack_trusting;
/* For tests: assume that stamps are intact without reading them. Wrong on purpose. */
extern bool pystack_blind;
/* For tests: walk with a variable layout, as for an unknown patch release. */
extern bool pystack_generic;
#define COUNT(what) __atomic_add_fetch(&pystack_counts.what, 1, __ATOMIC_RELAXED)
#else
#define COUNT(what) ((void)0)
#endif

#endif
