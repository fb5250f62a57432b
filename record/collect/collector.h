/*
 * collector.h - from rings to a trace
 *
 * The collector owns the trace being written and what all processes share:
 * the ids of allocations, the numbers of functions, frames and stacks,
 * the clock. Each process (process.h) owns its ring and what is alive in it.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "admission.h"
#include "ids.h"
#include "memtrace.h"
#include "stacks.h"

struct process;
struct pollfd;
struct wire_desk;
struct symbols;

struct collector {
	struct mt_out *out;
	const struct mt_header *header;	/* written when the first thing is recorded */
	bool begun;			/* it was */
	bool deaf;			/* the output failed: rings are emptied unread */
	bool follow_fork, native;	/* as was asked for */
	pid_t root;			/* the launched or attached process */
	pid_t injector;			/* attaching: the process that does it; 0: done, or nothing is attached */
	int old_file;			/* attaching: to be emptied when the trace begins; 0: nothing */
	bool attached;			/* the root is not ours: it goes on when we stop */
	bool awaited;			/* attached, but by itself: it begins and ends the recording (memrec.Tracker) */
	bool attended;			/* attached: the agent has a thread that ends its recording */
	uint64_t image[32];		/* attached: tells the program that runs there (its auxiliary vector); 0: not known */
	uint32_t looked_ms;		/* when that was last compared */
	bool tell;			/* attached: say when it has begun */
	uint32_t duration_ms;		/* attached: to be recorded, from when it begins; 0: no limit */
	uint32_t begun_ms;		/* attached: when it began */
	struct admission admission;
	struct wire_desk *desk;		/* the control page: what all agents see of us */
	int desk_memfd;			/* to be handed out: agents can only read it */
	uint64_t start_ns;		/* monotonic */
	uint32_t now_ms;
	uint64_t last_ms;		/* of the last event put: time never goes back */
	struct stacks *stacks;
	struct symbols *symbols;	/* of all processes; NULL until native stacks are recorded */
	struct ids ids;
	struct mt_event allocated, freed;	/* the two most frequent, kept: a new one is zeroes to be written first */
	struct process **processes;	/* that have not ended */
	size_t n_processes, cap_processes;
	struct pollfd *polled;		/* one for each of them, and the listener */
	size_t cap_polled, next_sample;
	/* for the closing line and -v */
	uint64_t n_events, live_bytes, peak_bytes, n_recorded;	/* n_recorded: processes */
};

/* Opens the socket that agents connect to. Dies if it cannot. */
void collector_init(struct collector *c, struct mt_out *out, const struct mt_header *header, uint64_t start_ns);
/*
 * Collect until the process is gone (with follow_fork: and all its offspring
 * that is recorded), and all they committed is written. status: of waitpid(2), once the root ended.
 * attached: until it is gone, the duration is over or collector_stop(); the agent is then told to take
 * its hooks out, and waited for. status: of the injector, if it failed.
 * awaited: until it says so, or is gone; before it has begun also when standard error is closed
 * at the other end.
 */
void collector_run(struct collector *c, pid_t root, int *status);
/* From a signal handler: something happened, do not sleep on. */
void collector_interrupt(void);
/* From a signal handler: whether the root was waited for (its pid may be somebody else's now). */
bool collector_root_ended(void);
/* From a signal handler, when it was (or if it is attached): end the recording; what is left goes on unrecorded. */
void collector_stop(void);
/* Write the end row. To be called once, after collector_run(). */
void collector_end(struct collector *c);

/* ---- for process.c ---- */

/* Write an event, at `time_ms` (or later, if time would go back). */
void collector_put(struct collector *c, struct mt_event *ev, uint64_t time_ms);
/* Numbers in the trace, defined there when new. ev: a function without its number. */
uint32_t collector_function(struct collector *c, struct mt_event *ev);
uint32_t collector_frame(struct collector *c, uint32_t function, uint32_t line);
uint32_t collector_stack(struct collector *c, uint32_t parent, uint32_t frame);

#endif
