/*
 * census.h - a copy of this process for the collector, which reads from it what each live block is
 *
 * The copy is a fork that runs nothing but its own wait for the collector: no handler, no atexit function, no code of
 * the program. It ends when the collector has read it or has died.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include "wire.h"

/*
 * Makes the copy and announces it in the ring. Call it where this thread has initialised every block it has allocated:
 * with Python's lock, no other thread is initialising an object then. Preserves errno.
 */
void census_take(enum wire_moment moment);
/* Takes a census if the collector has asked for one since recording began here, or since the last one. */
void census_if_asked(void);
/* When the recording of this process begins: censuses asked for before are none of its. */
void census_begun(void);
/* In a forked child: its parent's copies are not its children. */
void census_forked(void);

/* Takes a census now, at the program's request. Returns 0 if the process is not recorded. */
int memrec_agent_census(void);

#endif
