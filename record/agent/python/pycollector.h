/*
 * pycollector.h - whether the interpreter's collector of cycles is running
 */
#ifndef PYCOLLECTOR_H
#define PYCOLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "pylayout.h"

/* Not 0 while it runs in the main interpreter, on any thread (gc.collecting of CPython). Always readable. */
extern const volatile int32_t *pycollector_running OWN;
/* Finds that word of an interpreter that has begun. Returns false if its collector cannot be watched. */
bool pycollector_find(const struct python *p);
/* The interpreter begins to end, or the recording has ended: its memory is no longer read. */
void pycollector_forget(void);
/*
 * While it runs: returns whether this thread may be the one that runs it, as it holds the interpreter's lock (or,
 * without a lock, is attached). Others hold it only while a finalizer lets them. Preserves errno.
 */
bool pycollector_may_be_here(void);

#endif
