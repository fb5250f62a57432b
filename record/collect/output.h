/*
 * output.h - the trace being written
 *
 * One trace for all processes: it gives out the ids of allocations and the numbers of functions, frames
 * and stacks, and counts. Time never goes back in it. When writing fails it takes nothing more;
 * whoever fills it looks at `failed` and stops the programs' agents.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "ids.h"
#include "info.h"
#include "memtrace.h"
#include "stacks.h"

struct output {
	struct mt_out *out;
	const struct mt_header *header;	/* written before the first event */
	bool begun;			/* it was written */
	bool failed;			/* writing failed: every event is dropped */
	int old_file;			/* a file whose old contents go when the trace begins; 0: none */
	uint32_t now_ms;		/* the clock, set once a turn: milliseconds since the recording began */
	uint64_t last_ms;		/* of the last event */
	struct stacks *stacks;
	struct ids ids;
	struct mt_event allocated, freed;	/* the two most frequent events, kept: a new one is zeroed first */
	/* for the closing line */
	uint64_t n_events, live_bytes, peak_bytes;
};

/* `out` and `header` stay the caller's. holder(arg) reports the ids of all live blocks (ids.h). */
void output_init(struct output *o, struct mt_out *out, const struct mt_header *header, ids_holder *holder, void *arg);
/* Write the header, if it was not written yet. */
void output_begin(struct output *o);
/* Write an event at `time_ms`, or later if time would go back. */
void output_put(struct output *o, struct mt_event *ev, uint64_t time_ms);
/* Write a process row with this map, and clear the map. */
void output_process(struct output *o, pid_t pid, struct info *info);
/* Hand all that was written to the reader. */
void output_flush(struct output *o);
/* Write the end row. */
void output_end(struct output *o);

/* Return numbers in the trace, defined there when new. ev: a function without its number. */
uint32_t output_function(struct output *o, struct mt_event *ev);
uint32_t output_frame(struct output *o, uint32_t function, uint32_t line);
uint32_t output_stack(struct output *o, uint32_t parent, uint32_t frame);

/* Live bytes of all processes, and the most there ever were. */
static inline void output_live(struct output *o, uint64_t more, uint64_t less)
{
	o->live_bytes += more - less;
	if (o->live_bytes > o->peak_bytes)
		o->peak_bytes = o->live_bytes;
}

#endif
