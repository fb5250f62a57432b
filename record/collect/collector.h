/*
 * collector.h - turns rings into a trace
 *
 * The collector admits processes, drains their rings in turn, and ends processes that
 * have exited. How a recording begins and ends is not decided here: see struct recording.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "admission.h"
#include "output.h"
#include "samples.h"

#define COLLECTOR_DEPARTED 64

struct process;
struct pollfd;
struct wire_control;
struct symbols;

struct collector {
	struct output output;
	bool follow_fork;
	struct sampling sampling;	/* of the next process */
	struct symbols *symbols;	/* of all processes; NULL: C stacks are not recorded */
	struct admission admission;
	struct wire_control *control;		/* the control page, which all agents can read */
	bool census;				/* a mark and the end of an attached process's recording take one */
	int control_memfd;			/* to send to agents, which can only read it */
	uint64_t start_ns;		/* monotonic */
	struct process **processes;	/* those that have not ended */
	size_t n_processes, cap_processes;
	struct pollfd *polled;		/* one for each process, and one for the listener */
	size_t cap_polled, next_sample, next_footprint;
	uint64_t footprint_after_ns;	/* when the next footprint may be read */
	bool failed;			/* a process could not be admitted, which was said */
	uint64_t n_recorded;		/* processes admitted so far */
	struct departed {
		pid_t pid, ppid;
	} departed[COLLECTOR_DEPARTED];	/* the last processes that ended; pid 0: none */
	size_t next_departed;
	/* Called when a process was killed whose recorded parent lives: all it did is in the output. */
	void (*killed)(void *arg, pid_t pid);
	void *killed_arg;
};

/* How a recording begins and ends; launch.h, attach.h and await.h define one each. */
struct recording {
	pid_t root;			/* the process that is launched or attached to; the first of several */
	/* Called once a turn when the rings are nearly empty. Ends processes that are gone. True: recording is over. */
	bool (*over)(struct recording *r, struct collector *c);
};

struct recording_options {
	struct mt_out *out;		/* the caller keeps this and the header */
	const struct mt_header *header;
	uint64_t start_ns;		/* monotonic */
	bool follow_fork, native, census;
	struct source_rules source;
	struct sampling sampling;
};

/* Opens the socket that agents connect to. Dies if it cannot. */
void collector_init(struct collector *c, const struct recording_options *how);
/* Collects until the recording is over and everything committed has been written. */
void collector_run(struct collector *c, struct recording *r);

/* Returns whether a message has said why some process is not recorded. */
bool collector_has_said_why(const struct collector *c);

/* For signal handlers: ends the collector's sleep. */
void collector_interrupt(void);
/* For signal handlers: requests a mark in the trace, and a segment that begins with it. */
void collector_mark(void);
/*
 * For signal handlers: requests the end of the recording because of this signal. How it ends is up to recording.over(),
 * which calls collector_stopped().
 */
void collector_stop(int sig);
/* Returns the signal, or 0. */
int collector_stopped(void);

/* ---------------------------------------------------------------- for recordings */

/* Returns the recorded process with this pid, or NULL. */
struct process *collector_process(const struct collector *c, pid_t pid);
/* Returns whether its agent has removed its hooks. */
bool collector_detached(const struct collector *c, pid_t pid);
/* Ends the processes that are gone, except `child` (0: none), which has to be waited for. */
void collector_end_gone(struct collector *c, pid_t child);
/* Ends a child of ours that was waited for (status of waitpid(2)), if it is recorded. */
void collector_end_child(struct collector *c, pid_t pid, int status);
/* Ends a process that executes another program under the same pid: its old ring is dead. */
void collector_end_executed(struct collector *c, pid_t pid);
/* After running out of memory: no agent waits for us any more, and none joins. */
void collector_abandon(struct collector *c);
/* Stops recording the remaining processes, which continue. */
void collector_let_go(struct collector *c);
/* The same, but first waits for the agents of these processes, which have threads for it, to remove their hooks. */
void collector_detach(struct collector *c, const pid_t *attended, size_t n);
/* If there are to be censuses: asks these processes, which have threads for it, for one, and waits for it. */
void collector_census(struct collector *c, const pid_t *attended, size_t n);

#endif
