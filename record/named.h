/*
 * named.h - finds running processes by name
 */
#ifndef NAMED_H
#define NAMED_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Returns the processes with that name, in order of their pids, without our own, and sets *n; the caller frees the
 * array. A name is the kernel's (comm), the program's file name, or that of the script or module (-m) that a Python
 * runs.
 */
pid_t *named_find(const char *name, size_t *n);

#endif
