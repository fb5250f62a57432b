/*
 * refuse.h - what cannot be attached to: why, and what to do
 *
 * Each of these dies with one line, or returns.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include "target.h"

/* The kernel said no, with this errno. */
_Noreturn void refuse_access(pid_t pid, int error);
/* It has no C library that the agent could be loaded into. */
void refuse_libc(const struct target *t);

/* Another memrec is about to attach to this process or thread, or was when it was killed: that takes milliseconds. */
bool is_being_attached(pid_t pid);

#endif
