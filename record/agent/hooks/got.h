/*
 * got.h - reaching the hooks when the agent was loaded late
 *
 * A preloaded library is found by the loader in front of the C library. One that
 * is loaded later is not: then the slots through which objects call the hooked
 * functions (their GOTs) are made to point to the hooks, and back.
 */
#ifndef GOT_H
#define GOT_H

#include <stdbool.h>

/* Whether the agent was loaded after the C library: no call comes here by itself. */
bool got_late(void);

/* Find the real dlopen() (in the constructor: a forked child may find the loader's lock taken). */
void got_resolve(void);

/* The function that a call of `name` would reach without us; NULL: there is none. Allocates nothing when late. */
void *got_real(const char *name);

/*
 * The function of that name that is first in the order of search, which a call reaches when we are preloaded:
 * ours, or that of a program or library in front of us. NULL: there is none.
 */
void *got_first(const char *name);

/* Our own file, as the loader was given its name. */
const char *got_own_file(void);

/*
 * Point every slot of every loaded object that calls a hooked function to its
 * hook; also those of objects that are loaded from now on, when their dlopen
 * returns. May be called again: then for what came since. Any thread.
 */
void got_patch(void);
/* got_patch(), if objects were loaded since, or some were not ready then. */
void got_patch_new(void);

/* Put back what was in each slot that still points to a hook. */
void got_restore(void);

/* A forked child: the lock may be taken for ever. */
void got_forked(void);

#endif
