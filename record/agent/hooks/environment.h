/*
 * environment.h - memrec's part of an environment: the agent's file in LD_PRELOAD, and WIRE_ENV
 *
 * Everything else belongs to the program and keeps its bytes and order. Our file is one of
 * LD_PRELOAD's entries, wherever the program has moved it; it is removed with one separator: the one after
 * it, or at the end of the list the one before. A list with no other entry means that we set the variable.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

enum travel {
	AS_IT_IS,
	WITH_AGENT,	/* our file is loaded first, and orders.entry is set */
	WITHOUT_AGENT,	/* neither */
};

/*
 * Returns the room that environment_make() needs. 0: envp needs no change, as does any environment of another memrec.
 */
size_t environment_room(char *const envp[], enum travel how);
/*
 * Returns envp as changed, in `room` (aligned for a pointer); unchanged strings are shared. Without room: envp itself.
 */
char **environment_make(char *const envp[], enum travel how, void *room);

/*
 * Returns whether a program with this environment loads the agent with our orders. Its agent then removes itself
 * from the environment if the program is not recorded.
 */
bool environment_wakes_us(char *const envp[]);

/* Returns whether LD_PRELOAD names the library of a sanitizer, which must be the first. */
bool environment_preloads_sanitizer(char *const envp[]);

/* Makes this process's own environment WITHOUT_AGENT; edits its strings in place. */
void environment_leave(void);

#endif
