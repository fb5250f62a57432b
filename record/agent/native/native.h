/*
 * native.h - the calling thread's stack of C functions, with Python frames marked
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

/* Whether native stacks are recorded (--native). Constant during a session. */
extern bool native_on;

/* Called by the constructor, or when a session begins. */
void native_init(void);

/*
 * Returns the calling thread's stack as a node number (wire.h: WIRE_NATIVE and
 * WIRE_HYBRID), from the frame `begin` (CFI_BEGIN) outwards, which must not return before this does,
 * without the agent's own frames. New nodes are put into the ring first. Same conditions as
 * pystack_capture(), which it calls.
 */
uint32_t native_capture(const struct cfi_frame *begin);

/* Called in a forked child that is recorded, after pystack_forked(). */
void native_forked(void);
/* Called for a new session, with no thread in a capture: discards all numbers. */
void native_restarted(void);

#ifdef NATIVE_VERIFY
/* For tests: stores the last capture's frames, newest first, and returns their number. */
uint32_t native_frames(uintptr_t *pc, uint32_t n);
extern bool native_no_flush;
/*
 * For tests: reuses a cached walk without checking its addresses, and assumes that no time has passed. Wrong on
 * purpose: the tests must notice.
 */
extern bool native_blind;
#endif

/* How often dlclose() has returned: addresses read before may belong to another object since. */
extern uint32_t native_closes;

#endif
