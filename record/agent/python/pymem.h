/*
 * pymem.h - Python's own allocators (memrec --trace-python-allocators)
 */
#ifndef PYMEM_H
#define PYMEM_H

#include <stdbool.h>
#include <stdint.h>

#include "pylayout.h"

/* 0: neither asked for nor needed. Else pymem_check() is to be called now and then. */
extern uint8_t pymem_wanted;
/* Hooks were put in when Python had begun: blocks it took before come back through them. */
extern uint8_t pymem_late;
/*
 * mimalloc serves Python: what is mapped MAP_NORESERVE is its reserve (1 GiB at once, before Python has begun), and no
 * block.
 */
extern uint8_t pymem_mimalloc;

/* In the constructor, or (late) when a session begins: hook the three domains if an interpreter is there. */
void pymem_init(bool late);
/* An interpreter is there that was not when recording began: are its allocators to be hooked? */
void pymem_found(const struct python *p);
/* At an allocation, guard set to GUARD_DROP: see whether the hooks stand, put them in (again) if not. */
void pymem_check(void);
/* The recording ended: Python's own allocators are put back, unless somebody stands in front of us. */
void pymem_stop(void);
/* A forked child that is recorded: the lock may be taken for ever. */
void pymem_forked(void);

#endif
