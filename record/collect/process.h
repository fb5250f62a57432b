/*
 * process.h - one recorded process: its ring, and its live blocks and mappings
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "addresses.h"
#include "footprint.h"
#include "hybrid.h"
#include "index.h"
#include "output.h"
#include "phases.h"
#include "pylines.h"
#include "regions.h"
#include "samples.h"
#include "wire.h"

/* An operation that a thread began and whose outcome is not known yet. t->region is set for the last two. */
enum pending { PENDING_NONE, PENDING_REALLOC, PENDING_REMAP, PENDING_REMAP_PART };

struct traced_thread {
	uint32_t tid;
	enum pending pending;
	struct address block;		/* PENDING_REALLOC: removed from the table, not yet freed in the trace */
	struct region region;		/* PENDING_REMAP: the same; PENDING_REMAP_PART: the mapping it is a part of */
	struct region *cut;		/* the mappings that its last unmap removed whole, in case it failed */
	size_t n_cut, cap_cut;
	char name[32];			/* as last written; "": never */
	bool active;			/* it had events since the names were last read */
	bool has_frames;		/* made an allocation with a stack */
	bool collects;			/* its frees are the collector's of cycles, as last written */
};

struct code {
	uint32_t function;		/* in the trace */
	int first_line;
	enum role role;
	enum wire_lines lines;		/* the format of `table` */
	uint8_t *table;
	size_t table_size;
	struct py_place place;		/* in the table */
};

/* The frame in the trace of an instruction. */
struct instruction { uint32_t code, lasti, frame; };	/* frame 0: none */
#define LOG2_INSTRUCTIONS 14
#define INSTRUCTIONS (1u << LOG2_INSTRUCTIONS)	/* that are kept: 192 KiB */

/* The stacks in the trace of the nodes of one epoch (wire.h). */
struct node_stacks {
	uint32_t first;			/* less than the number of its first node, by 1 */
	uint64_t ticket;		/* when it began */
	uint32_t *stack;		/* by the node's number - first; 0: not known */
	size_t n, cap;
};

#define PROCESS_KILLED 16	/* more at a time are not reported */

struct process {
	struct output *out;
	struct symbols *symbols;	/* NULL: C stacks are not recorded */
	pid_t pid;
	pid_t own_pid;			/* its pid in its own pid namespace */
	pid_t ppid;			/* its parent when it joined, in that namespace */
	pid_t killed[PROCESS_KILLED];	/* children that were killed by SIGKILL, which its caller takes off */
	size_t n_killed;
	uint64_t number;		/* of all that were recorded; from 1 */
	int pidfd, statm;		/* -1: none */
	struct wire_ring *ring;
	struct wire_slot *slots;
	uint64_t tail, mask;
	uint64_t present;		/* the slots before it were committed when that was marked */
	unsigned log2_slots;
	bool executed;			/* it has executed another program: its ring is dead */
	bool released;			/* it continues unrecorded: nothing more is put into its ring */
	unsigned n_warnings;		/* that the agent has sent */
	bool refused;			/* its ring is corrupt: nothing more is read from it */
	struct phases phases;
	uint32_t labels[N_LABELS];	/* their stacks; 0: not defined yet */
	struct addresses live;
	struct samples samples;
	struct regions regions;
	struct traced_thread **threads;
	uint32_t n_threads;
	size_t cap_threads;
	struct index thread_index;	/* by tid */
	struct traced_thread *thread;	/* of the last event */
	struct code *codes;		/* by the agent's numbers */
	size_t cap_codes;
	struct instruction *frames;	/* the last ones, by hash; NULL: none */
	struct node_stacks nodes, last_nodes;	/* of the present epoch, and of the one before */
	struct hybrid *hybrid;		/* C stacks; NULL: not recorded */
	struct source_view files;
	char *exe;			/* NULL = not known */
	char *python;			/* its version, "3.11.2"; NULL = not known */
	uint64_t type_type;		/* the address of PyType_Type in it; 0 = not known */
	uint32_t n_censuses;		/* that it has taken, or tried to */
	bool census_due;		/* it was asked for one */
	uint32_t census_begin;		/* the last id before the copy for a census was made */
	uint64_t ring_inode;		/* of the ring's file, which it and its copies map */
	uint64_t unknown_frees, abandoned;
	uint64_t live_bytes;		/* in this process */
	uint64_t rss, most_own;		/* without the agent's memory; the agent's, at most */
	uint32_t rss_ms, names_ms;	/* when the size was last written, when the names were last read */
	bool forked;			/* its agent shares memory with that of its parent */
	uint64_t inherited;		/* this much; 0: not known yet */
	struct footprint footprint;	/* as last written, without the agent's */
	bool looked, has_footprint;	/* it was read; it was written */
	uint32_t looked_ms, footprint_ms;	/* when last */
	uint64_t footprint_rss;		/* the resident size when it was last read */
	/* A hole: a slot reserved but not committed. When it was first seen, and each thread's `inside` then. */
	uint64_t hole_ns;
	uint64_t *inside;
};

/*
 * Creates a process that has sent its hello, and its ring; the caller closes memfd. NULL: no memory for the ring, after
 * a warning.
 */
struct process *process_new(struct output *out, struct symbols *symbols, pid_t pid, const struct wire_hello *hello,
			    const struct sampling *sampling, int *memfd);

/* How a process joins. */
struct beginning {
	pid_t ppid;
	bool running;			/* it ran before, unrecorded */
	bool forked;			/* by a recorded process, and it has not executed another program since */
};
/* Reads its data and writes its first row. Call it before its agent is answered: afterwards it may end at once. */
void process_begin(struct process *p, const struct beginning *how);
/* Takes at most `max` slots from the ring and returns their number. */
uint64_t process_drain(struct process *p, uint64_t max);
/* Takes the rest of the ring of a process that has ended or is released, without waiting for uncommitted slots. */
void process_drain_rest(struct process *p);
/* Marks the slots that are committed now; process_drain_present() takes them, but none that is committed later. */
void process_mark_present(struct process *p);
void process_drain_present(struct process *p);
/* Returns whether nothing can be added to its ring any more. */
bool process_is_gone(const struct process *p);
/* Returns whether everything in its ring has been taken. */
bool process_is_drained(const struct process *p);
/* Samples its resident size and, less often, its thread names. */
void process_sample(struct process *p);
/* Asks how its memory is divided (footprint.h), if it is time; returns whether it did. */
bool process_ask_footprint(struct process *p);
/* Writes what was read. */
void process_put_footprint(struct process *p, const struct footprint *read);
/* Writes the exit row (status of waitpid, or -1: not known) and releases the ring. */
void process_end(struct process *p, int status);
/* Discards the contents of the ring and wakes its producers. */
void process_mute(struct process *p);
void process_free(struct process *p);

/* Updates the live bytes of the process and of all processes. */
static inline void process_live(struct process *p, uint64_t more, uint64_t less)
{
	p->live_bytes += more - less;
	output_live(p->out, more, less);
}

#endif
