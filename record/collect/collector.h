/*
 * collector.h - from rings to a trace
 *
 * The collector admits processes, drains their rings in turn, and takes leave of those that
 * end. How a recording begins and ends is somebody else's: see struct recording.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "admission.h"
#include "output.h"

struct process;
struct pollfd;
struct wire_control;
struct symbols;

struct collector {
	struct output output;
	bool follow_fork;
	struct symbols *symbols;	/* of all processes; NULL: C stacks are not recorded */
	struct admission admission;
	struct wire_control *control;		/* the control page: what all agents see of us */
	int control_memfd;			/* to be handed out: agents can only read it */
	uint64_t start_ns;		/* monotonic */
	struct process **processes;	/* that have not ended */
	size_t n_processes, cap_processes;
	struct pollfd *polled;		/* one for each of them, and the listener */
	size_t cap_polled, next_sample;
	uint64_t n_recorded;		/* processes that were ever admitted */
};

/* How a recording begins and ends: launch.h, attach.h and await.h each have one. */
struct recording {
	pid_t root;			/* the process that is launched or attached to */
	uid_t owner;			/* its user */
	/* Asked once a turn, when the rings are nearly empty: take leave of what ended. True: the recording is over. */
	bool (*over)(struct recording *r, struct collector *c);
};

struct recording_options {
	struct mt_out *out;		/* this and the header stay the caller's */
	const struct mt_header *header;
	uint64_t start_ns;		/* monotonic */
	bool follow_fork, native;
};

/* Opens the socket that agents connect to. Dies if it cannot. */
void collector_init(struct collector *c, const struct recording_options *how);
/* Collect until the recording is over and all that was committed is written. */
void collector_run(struct collector *c, struct recording *r);

/* From a signal handler: something happened, do not sleep on. */
void collector_interrupt(void);
/*
 * From a signal handler: the recording is to end. What that means is for recording.over(), which asks
 * collector_stopped().
 */
void collector_stop(void);
bool collector_stopped(void);

/* ---------------------------------------------------------------- for recordings */

/* The recorded process with this pid, or NULL. */
struct process *collector_process(const struct collector *c, pid_t pid);
/* Whether its agent has taken its hooks out. */
bool collector_detached(const struct collector *c, pid_t pid);
/* Take leave of processes that are gone, but not of `child` (0: none), which is to be waited for. */
void collector_end_gone(struct collector *c, pid_t child);
/* Take leave of a child of ours that was waited for (status of waitpid(2)), if it is recorded. */
void collector_end_child(struct collector *c, pid_t pid, int status);
/* The process executes another program, which keeps its pid: its old ring is dead. */
void collector_end_executed(struct collector *c, pid_t pid);
/* There is no memory to go on: nobody waits for us any more, and nobody joins. */
void collector_abandon(struct collector *c);
/* Stop recording the processes that are left; they go on. */
void collector_let_go(struct collector *c);
/* The same, but first ask the agent of `pid` to take its hooks out; attended: it has a thread that will. */
void collector_detach(struct collector *c, pid_t pid, bool attended);

#endif
