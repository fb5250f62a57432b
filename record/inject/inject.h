/*
 * inject.h - loads the agent into a running process
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct injection {
	pid_t pid;
	bool examine, ignore_filter;	/* inject_examine() has not been called for it: its second argument */
	bool found;		/* as a child: that an inherited agent records it already is no failure */
	const char *agent;	/* the name by which programs that the process executes load the agent */
	const char *bytes;	/* the agent, followed by a page of zeros */
	size_t size;
	const char *address;	/* the collector's address */
	unsigned flags;		/* WIRE_FLAG_… */
};

/*
 * Checks the process without changing anything in it. If it cannot be attached to, dies with
 * the reason and the remedy. ignore_filter: attach despite a seccomp filter.
 */
void inject_examine(pid_t pid, bool ignore_filter);

/*
 * Agents look for the collector in their own network namespace: enters that of
 * the process (a container). Returns the argument for inject_leave_network(). Dies if that is forbidden.
 */
int inject_enter_network(pid_t pid);
void inject_leave_network(int own);

/*
 * Attaches in a child process, so that no thread of the target is left half-way if memrec is
 * killed. Returns the pid of the child. It exits with 0 once the agent records; otherwise it has reported why not,
 * unless the process was found and had an agent that records.
 */
pid_t inject_start(const struct injection *how);

#endif
