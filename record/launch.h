/*
 * launch.h - records a program that memrec starts
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "collect/collector.h"

#define LAUNCH_NO_TRACE 125	/* our status if the program succeeded but its trace could not be written */

#define LAUNCH_MARK_SIGNAL SIGURG	/* requests a mark; a process that does not expect it ignores it */

struct launch {
	char **argv;
	unsigned flags;		/* WIRE_FLAG_… */
	bool stdout_to_stderr;	/* our standard output carries the trace */
};

struct launched {
	struct recording recording;
	int status;		/* of waitpid(2), once it has ended */
	bool adopts;		/* descendants whose parents are gone become our children */
	char *others;		/* the children we had before, as listed in /proc */
};

/* Returns why the program that execvp() would start cannot load the agent, as a clause, or NULL if it can. */
const char *launch_unfit(const char *file);

/* Call it first: a standard descriptor that is closed must not become one of ours. */
void launch_open_standard(void);

/*
 * Raises our limit of descriptors to the maximum, as each recorded process needs two. The program gets the original
 * limit.
 */
void launch_raise_limit(void);

/* Call it before starting anything: signals that interrupt the collector's sleep must not end it. Exec resets them. */
void launch_prepare_signals(void);

/*
 * Starts the program. From then on signals sent to us are passed on to it, and neither they nor the terminal's keys
 * (which reach it directly) end us before it. Returns 0, or the errno of exec.
 */
int launch_begin(struct launched *l, struct collector *c, const struct launch *how);

#endif
