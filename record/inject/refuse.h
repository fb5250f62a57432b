/*
 * refuse.h - refuses processes that cannot be attached to: why, and what to do
 *
 * Each of these prints one line and dies, or returns.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include "target.h"

/* The kernel denied access with this errno. */
_Noreturn void refuse_access(pid_t pid, int error);
/* The kernel denied access to its memory with this errno. */
_Noreturn void refuse_memory(pid_t pid, int error);
/*
 * Refuses a process without a C library that the agent can be loaded into. Waits for one that is just executing a
 * program, and opens it again.
 */
void refuse_libc(struct target *t);

/* Returns whether another memrec is attaching to this process or thread, which takes milliseconds. */
bool is_being_attached(pid_t pid);

#endif
