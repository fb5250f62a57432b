/*
 * environment.h - memrec's part in an environment: our file in LD_PRELOAD, and WIRE_ENV
 *
 * Everything else is the program's, and stays byte for byte, in its order. Our file is one of
 * LD_PRELOAD's entries, wherever the program has moved it, and goes with one separator: the one after
 * it, or at the end of the list the one before. If there is nothing else in the list, the variable was set by us.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

enum travel {
	AS_IT_IS,
	WITH_AGENT,	/* our file is the first that is loaded, and orders.entry says how to record */
	WITHOUT_AGENT,	/* neither */
};

/* The room that environment_make() needs; 0: envp is right as it is. An environment of another memrec always is. */
size_t environment_room(char *const envp[], enum travel how);
/*
 * envp made right, in `room` (aligned as a pointer); strings that need no change are shared. Without room: envp itself.
 */
char **environment_make(char *const envp[], enum travel how, void *room);

/*
 * Whether a program with this environment loads us, and its agent knows what to do (if it is not recorded: to leave).
 */
bool environment_wakes_us(char *const envp[]);

/* This process's own environment is WITHOUT_AGENT from now on; its strings are edited in place. */
void environment_leave(void);

#endif
