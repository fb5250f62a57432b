/*
 * inject.h - putting the agent into a running process
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <sys/types.h>

struct injection {
	pid_t pid;
	const char *agent;	/* the agent's file */
	const char *address;	/* the collector's */
	unsigned flags;		/* WIRE_FLAG_… */
};

/*
 * Look at the process; nothing of it is touched. Dies, saying why and what to
 * do, if it cannot be attached to. ignore_filter: attach in spite of a seccomp filter.
 */
void inject_examine(pid_t pid, bool ignore_filter);

/*
 * Agents find the collector in the network namespace it was opened in: enter
 * the process's (a container's). What to give to inject_leave_network(). Dies if that is forbidden.
 */
int inject_enter_network(pid_t pid);
void inject_leave_network(int own);

/*
 * Attach in a process of its own, so that our sudden death leaves no thread of the
 * target halfway. Its pid; it exits with 0 when the agent records, else it has told why.
 */
pid_t inject_start(const struct injection *how);

#endif
