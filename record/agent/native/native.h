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

#ifdef NATIVE_VERIFY
/* For tests: the last capture's frames, newest first; their number. */
uint32_t native_frames(uintptr_t *pc, uint32_t n);
extern bool native_no_flush;
/* For tests: take a cached walk without a look at its addresses. Wrong, and shown to be. */
extern bool native_blind;
#endif

/* How often dlclose() returned: what was known of an object may be of another since. */
extern uint32_t native_closes;

#endif
