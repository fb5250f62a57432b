/*
 * got.h - makes calls reach the hooks if the agent was loaded late
 *
 * The loader finds a preloaded library before the C library, but not one that
 * is loaded later. In that case the GOT slots through which objects call the hooked
 * functions are pointed to the hooks, and restored at the end.
 */
#ifndef GOT_H
#define GOT_H

#include <stdbool.h>
#include <stdint.h>

/* Returns whether the agent was loaded after the C library, so that calls do not reach it without patching. */
bool got_late(void);

/* Finds the real dlopen(). Called by the constructor: in a forked child the loader's lock may be taken for ever. */
void got_resolve(void);

/* Returns the function that a call of `name` would reach without us, or NULL. Allocates nothing. */
void *got_real(const char *name);

/* Returns the path of the agent's file, as passed to the loader. */
const char *got_own_file(void);

/*
 * Points every slot of every loaded object that calls a hooked function to its
 * hook, and those of objects loaded from now on when their dlopen
 * returns. May be called again, for objects loaded since. Thread-safe.
 */
void got_patch(void);
/*
 * Called before a dlopen, and after it with the first one's result, while slots are patched. Set once, by the
 * constructor.
 */
extern uintptr_t (*got_opening)(void);
extern void (*got_opened)(uintptr_t mark);

/* Calls got_patch() if objects were loaded since, or some were not ready. */
void got_patch_new(void);

/* Restores each slot that still points to a hook. */
void got_restore(void);

/* In a forked child: resets the lock, which another thread may have held at the fork. */
void got_forked(void);

#endif
