/*
 * pymem.h - hooks of Python's own allocators (memrec --trace-python-allocators)
 */
#ifndef PYMEM_H
#define PYMEM_H

#include <stdbool.h>
#include <stdint.h>

#include "pylayout.h"

/* 0: neither requested nor needed. Otherwise the hooks call pymem_check() from time to time. */
extern uint8_t pymem_wanted;
/* Hooks were installed after Python had begun, so blocks allocated before that are freed through them. */
extern uint8_t pymem_late;
/*
 * Python uses mimalloc. Mappings with MAP_NORESERVE are then its reserve (1 GiB, mapped before Python has begun), not
 * allocations.
 */
extern uint8_t pymem_mimalloc;

/* In the constructor, or (late) when a session begins: hooks the three domains if there is an interpreter. */
void pymem_init(bool late);
/* Called when an interpreter was found after recording began: decides whether to hook its allocators. */
void pymem_found(const struct python *p);
/* Called at an allocation, under GUARD_DROP: checks whether the hooks are in place, and installs them if not. */
void pymem_check(void);
/* At the end of a recording: restores Python's allocators, unless another hook is in front of ours. */
void pymem_stop(void);
/* In a forked child that is recorded: resets the lock. */
void pymem_forked(void);

#endif
