/*
 * launch.h - a recording of a program that memrec starts
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "collect/collector.h"

#define LAUNCH_NO_TRACE 125	/* our status if the program succeeded and its trace could not be written */

struct launch {
	char **argv;
	const char *agent;	/* path of libmemrec.so */
	unsigned flags;		/* WIRE_FLAG_… */
	bool stdout_to_stderr;	/* our standard output carries the trace */
};

struct launched {
	struct recording recording;
	int status;		/* of waitpid(2), once it ended */
	bool adopts;		/* descendants whose parents are gone become our children */
	char *others;		/* the children we had before, as /proc lists them */
};

/* First of all: a standard descriptor that is closed must not become one of ours. */
void launch_open_standard(void);

/*
 * Each process that is recorded takes two descriptors: as many as we may have. The program gets the limit that we were
 * given.
 */
void launch_raise_limit(void);

/* Before anything else: what interrupts the collector's sleep must not end it. An exec resets these. */
void launch_prepare_signals(void);

/* Where the agent lies beside this program; dies if it is not there. */
char *launch_agent_path(void);

/*
 * Start the program. From then on signals meant for it reach it, and neither they nor the terminal's keys (which
 * it gets by itself) end us before it. Returns 0, or the errno with which it could not be executed.
 */
int launch_begin(struct launched *l, struct collector *c, const struct launch *how);

#endif
