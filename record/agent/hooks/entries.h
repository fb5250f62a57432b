/*
 * entries.h - allocators inside objects, whose functions no slot leads to: hooks at their entries
 */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"

/*
 * Called when recording begins. Hooks the allocators of the objects that are loaded, if the process has one thread.
 */
COLD void entries_begin(void);

/*
 * For an agent that was loaded late. entries_mark() is called before a dlopen, entries_add() after it with its result:
 * hooks the allocators of the objects that were loaded in between, which no thread has used.
 */
uintptr_t entries_mark(void);
COLD void entries_add(uintptr_t mark);

/*
 * Returns whether a mapping that is made by the code at `caller` belongs to an allocator whose blocks are recorded.
 * Hooks its functions if it is its object's first one.
 */
bool entries_own(uintptr_t caller);

/* In a forked child: resets the lock, which another thread may have held at the fork. */
void entries_forked(void);

#endif
