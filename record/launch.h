/*
 * launch.h - starting the program to be recorded
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct launch {
	char **argv;
	const char *agent;	/* path of libmemrec.so */
	const char *address;	/* the collector's */
	unsigned flags;		/* WIRE_FLAG_… */
	bool stdout_to_stderr;	/* our standard output carries the trace */
};

/* The pid; or -1 and *error: the errno with which the program could not be executed. */
pid_t launch(const struct launch *l, int *error);

/* Where the agent lies beside this program; dies if it is not there. */
char *launch_agent_path(void);

/* First of all: a standard descriptor that is closed must not become one of ours. */
void launch_open_standard(void);

/* Before anything else: what interrupts the collector's sleep must not end it. An exec resets these. */
void launch_prepare_signals(void);

/*
 * From now on: signals meant for the program reach it, and neither they nor
 * the terminal's keys (which it gets by itself) end us before it.
 */
void launch_pass_signals(pid_t pid);

#endif
