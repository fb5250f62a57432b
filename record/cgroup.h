/*
 * cgroup.h - the memory cgroup of a process: its limit, and whether it killed
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#define CGROUP_NO_LIMIT UINT64_MAX

/* Returns the folder below `root` of a process's memory cgroup (version 2 or 1), or NULL; the caller frees it. */
char *cgroup_folder(const char *root, const char *proc_cgroup);
/* The same of a process, on this system. */
char *cgroup_of(pid_t pid);

struct cgroup_state {
	uint64_t limit;		/* the least of it and its parents; CGROUP_NO_LIMIT: none */
	uint64_t most;		/* bytes it ever used; 0: not known */
	uint64_t kills;		/* processes that were killed in it for want of memory */
};

/* Reads it. A folder that is NULL, or cannot be read, has no limit and has not killed. */
struct cgroup_state cgroup_read(const char *root, const char *folder);
struct cgroup_state cgroup_state(const char *folder);

#endif
