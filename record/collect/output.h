/*
 * output.h - the trace being written
 *
 * One trace for all processes: it assigns ids to allocations and numbers to functions, frames
 * and stacks, and counts. Times never decrease. If writing fails, all further events are dropped;
 * the callers check `failed` and stop the agents.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "define.h"
#include "ids.h"
#include "info.h"
#include "memtrace.h"
#include "recent_stacks.h"
#include "segments.h"
#include "source_files.h"
#include "stacks.h"

struct output {
	struct mt_out *out;
	const struct mt_header *header;	/* written before the first event */
	bool begun;			/* the header has been written */
	bool failed;			/* writing failed: every event is dropped */
	struct segments *segments;	/* decides where `out` writes to (segments.h); NULL: there is one trace */
	int old_file;			/* a file that is truncated when the trace begins; 0: none */
	uint32_t now_ms;		/* the clock, set once a turn: milliseconds since the recording began */
	uint64_t last_ms;		/* of the last event */
	struct stacks *stacks;		/* without the stacks themselves, if `recent` finds them */
	struct recent_stacks *recent;	/* NULL: not used yet, or segments or `used` need all stacks */
	uint32_t n_stacks;		/* that are defined, if `recent` finds them */
	bool references;		/* censuses have references */
	bool from_script;		/* processes are recorded from the beginning of their scripts on */
	struct define used;		/* if it has `from`: only stacks of allocations are defined in the trace */
	struct source_files *sources;	/* NULL: no source code is recorded */
	struct ids ids;
	struct mt_event allocated, freed;	/* the most frequent events, reused: a new one would be zeroed */
	/* for the summary line */
	uint64_t n_events, live_bytes, peak_bytes;
	uint64_t n_children, n_pythons;	/* child processes that are not recorded; recorded ones with Python */
	const char *stopped;		/* "stopped early by Ctrl-C"; NULL: the programs ended first */
	uint64_t n_unfit;		/* programs that cannot load the agent */
	uint64_t n_elsewhere;		/* programs in network namespaces that cannot reach us */
};

/* The caller keeps `out` and `header`. holder(arg) reports the ids of all live blocks (ids.h). */
void output_init(struct output *o, struct mt_out *out, const struct mt_header *header, ids_holder *holder, void *arg);
/*
 * From now on, records only what scripts do, and defines only what they use. If there are segments, these define
 * everything.
 */
void output_from_script(struct output *o);
/* Writes the header, unless it has been written. */
void output_begin(struct output *o);
/* Writes an event at `time_ms`, or at the last event's time if that is later. */
void output_put(struct output *o, struct mt_event *ev, uint64_t time_ms);
/* Writes a process row with this map, and clears the map. */
void output_process(struct output *o, pid_t pid, struct info *info);
/* Flushes everything written so far. */
void output_flush(struct output *o);
/* Writes the end row; with segments, that is for segments_end(). */
void output_end(struct output *o);

/*
 * Return numbers in the trace, and define them there if they are new. ev: a function without its number. A new frame is
 * followed by its line of source code. A stack that was not asked for lately may be defined again, with another number
 * (recent_stacks.h).
 */
uint32_t output_function(struct output *o, struct mt_event *ev);
uint32_t output_frame(struct output *o, uint32_t function, uint32_t line);
uint32_t output_stack(struct output *o, uint32_t parent, uint32_t frame);

/* Updates the live bytes of all processes, and their peak. */
static inline void output_live(struct output *o, uint64_t more, uint64_t less)
{
	o->live_bytes += more - less;
	if (o->live_bytes > o->peak_bytes)
		o->peak_bytes = o->live_bytes;
}

#endif
