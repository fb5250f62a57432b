/*
 * state.h - memtop's state of a trace: live blocks, the high-water mark, processes, the course of memory
 *
 * Memory: the live blocks (live.h), the stacks, and 75 to 120 bytes for each pair of a stack and a thread.
 */
#ifndef MEMTOP_STATE_H
#define MEMTOP_STATE_H

#include "index.h"
#include "peak.h"
#include "replay.h"
#include "resident.h"
#include "stacks.h"
#include "threads.h"

#define COURSE_MOST 512		/* samples of the course; even */

/* Where blocks were allocated; there is an amount for each source. */
struct source {
	uint32_t stack, thread;	/* their numbers here */
};

struct inhabitant {		/* a process that has not ended */
	uint32_t pid;
};

struct sample {
	uint64_t heap, rss;	/* the maxima of its interval */
};

struct state {
	struct stacks *stacks;
	struct threads *threads;
	struct replay replay;	/* its keys: sources */
	struct peak *peak;	/* by source */
	struct source *sources;
	uint32_t n_sources;
	size_t cap_sources;
	struct index index;
	uint32_t *last_source;		/* by stack: the source, + 1, that last allocated there; 0: none */
	size_t n_last_source, cap_last_source;
	uint32_t last_pid, last_tid, last_thread;	/* the thread of the last event */
	bool any_thread;
	struct inhabitant *processes;
	size_t n_processes, cap_processes;
	struct resident resident;
	uint64_t now_ms, events;
	struct sample course[COURSE_MOST];
	uint32_t n_course;	/* intervals so far, including the current one */
	uint64_t every_ms;	/* their length */
	uint64_t interval_end_ms;	/* of the current one; 0: none has begun */
	struct amount *marked;	/* by source: at the mark; later sources had nothing */
	uint32_t n_marked;
	uint64_t marked_ms;
};

/* Exits if out of memory, as all functions here do. */
void state_init(struct state *s, const struct mt_header *h);
void state_clear(struct state *s);
/* Takes any event. `h`: the header of the trace it is in. */
void state_take(struct state *s, const struct mt_event *ev, const struct mt_header *h);
/* Sets the mark: growth counts from now on. */
void state_mark(struct state *s);
/* Return a source's amount: live now or at the high-water mark; its bytes at the mark. */
struct amount state_at(const struct state *s, uint32_t source, bool at_peak);
uint64_t state_marked_bytes(const struct state *s, uint32_t source);

#endif
