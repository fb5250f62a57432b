/*
 * process.h - one traced process: its ring, and what is alive in it
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "addresses.h"
#include "hybrid.h"
#include "index.h"
#include "output.h"
#include "pylines.h"
#include "regions.h"
#include "wire.h"

/* What a thread began and has not told the outcome of. */
/* the last two: t->region is set */
enum pending { PENDING_NONE, PENDING_REALLOC, PENDING_REMAP, PENDING_REMAP_PART };

struct traced_thread {
	uint32_t tid;
	enum pending pending;
	struct address block;		/* PENDING_REALLOC: taken out, not yet freed in the trace */
	struct region region;		/* PENDING_REMAP: likewise; PENDING_REMAP_PART: what it is a part of */
	struct region *cut;		/* what its last unmap took whole, in case that failed */
	size_t n_cut, cap_cut;
	char name[32];			/* as last told; "" = never */
	bool active;			/* had events since the names were last read */
};

struct code {
	uint32_t function;		/* in the trace */
	int first_line;
	enum wire_lines lines;		/* the format of: */
	uint8_t *table;
	size_t table_size;
	struct py_place place;		/* in the table */
	uint32_t *frames;		/* in the trace, by instruction; 0: not yet asked for */
	size_t cap_frames;
};

struct process {
	struct output *out;
	struct symbols *symbols;	/* NULL: C stacks are not recorded */
	pid_t pid;
	pid_t own_pid;			/* as it knows itself, in its pid namespace */
	int pidfd, statm;		/* -1: none */
	struct wire_ring *ring;
	struct wire_slot *slots;
	uint64_t tail, mask;
	unsigned log2_slots;
	bool executed;			/* another program took this one's place: its ring is dead */
	bool released;			/* it goes on, unrecorded: nothing is put into its ring any more */
	bool refused;			/* its ring made no sense: it is emptied unread */
	struct addresses live;
	struct regions regions;
	struct traced_thread **threads;
	uint32_t n_threads;
	size_t cap_threads;
	struct index thread_index;	/* by tid */
	struct traced_thread *thread;	/* of the last event */
	struct code *codes;		/* by the agent's numbers */
	size_t cap_codes, n_frames;	/* n_frames: what all of them keep room for */
	uint32_t *stacks;		/* the agent's nodes to the trace's stacks */
	size_t cap_stacks;
	struct hybrid *hybrid;		/* C stacks; NULL: they are not recorded */
	char *exe;			/* NULL = not known */
	uint64_t unknown_frees, abandoned;
	uint64_t live_bytes;		/* in this process */
	uint64_t rss;
	uint32_t rss_ms, names_ms;	/* when last put, when last read */
	/* A hole: reserved, not committed. When first seen, and each thread's `inside` then. */
	uint64_t hole_ns;
	uint64_t *inside;
};

/* A process that said hello, and its ring (memfd is the caller's); NULL: no memory for it (a message was given). */
struct process *process_new(struct output *out, struct symbols *symbols, pid_t pid, const struct wire_hello *hello,
			    int *memfd);
/* Look at it, and put its first row. Before it is let go on: it may end at once. ppid: its parent, as it said. */
void process_begin(struct process *p, pid_t ppid);
/* Take up to `max` slots; the number taken. */
uint64_t process_drain(struct process *p, uint64_t max);
/* Take what is in the ring now. The process has ended or is released: slots that nobody commits are not waited for. */
void process_drain_rest(struct process *p);
/* Nothing can be added to its ring any more. */
bool process_is_gone(const struct process *p);
/* All it committed has been taken. */
bool process_is_drained(const struct process *p);
/* What is read of it from outside, now and then: resident size, thread names. */
void process_sample(struct process *p);
/* It ended (status of waitpid, or -1: not known): say so, let go of its ring. */
void process_end(struct process *p, int status);
/* Throw away what is in the ring, tell the agent to stop. */
void process_mute(struct process *p);
void process_free(struct process *p);

/* Count what is live in it, and in all processes. */
static inline void process_live(struct process *p, uint64_t more, uint64_t less)
{
	p->live_bytes += more - less;
	output_live(p->out, more, less);
}

#endif
