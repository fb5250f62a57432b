/*
 * native_thread.h - a thread's last walk of its C stack, and its caches, for native.c
 */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"
#include "evaluators.h"
#include "thread_states.h"
#include "native.h"

struct frame {
	uintptr_t pc, sp, fp;
	uintptr_t ip_slot, fp_slot;	/* where pc's return address and fp were read; fp_slot may be &fp */
	uint32_t node;
	uint16_t runs;			/* wire.h: WIRE_RUNS() */
	bool complex;			/* finding it took more reads than these two */
	bool fp_needed;			/* to step out of it, or out of an older frame that has the same fp */
};

/* A node found before; searched before the table of all nodes. */
struct known_node {
	uint64_t what;
	uint32_t parent, node;		/* node 0: the entry is free */
};

/*
 * An earlier step to a caller. The result depends on the frame's pc and
 * sp (and fp, if the rule needs it), and is reused if the return
 * address read then is still in its slot. The next step need not wait for that
 * comparison, as it would for loading the rule and the word.
 */
struct cached_unwind {
	uintptr_t pc, sp, fp;
	uintptr_t fp_matters;		/* all bits or none */
	uintptr_t caller_pc, caller_sp, ip_slot, fp_slot;
};

/*
 * A few frames on top of a node, as in a program's loop, which recur:
 * one lookup finds their nodes, and that of their pair with a Python stack.
 */
#define PATH_MOST 8u
struct node_path {
	uint32_t from, n;		/* n 0: the entry is free */
	uint32_t python, pair;		/* python 0: no pair yet */
	uint64_t what[PATH_MOST];
	uint32_t node[PATH_MOST];
};

/*
 * An earlier walk, from the hook outwards to a frame that was unchanged, by steps
 * that depend only on pc, sp and one return address each. If these addresses are unchanged, so is the
 * walk, and its number is known.
 */
#define WALK_MOST 14u
#define WALK_EVALUATORS 4u
struct cached_walk {
	uintptr_t pc, sp;		/* where it begins */
	uint32_t n;			/* number of return addresses; 0: the entry is free */
	uint32_t base, base_node;	/* the frame it leads to: its index and node */
	uint32_t python, node;		/* the Python stack, and the node of both stacks */
	uint32_t n_evaluators;
	uintptr_t base_sp;
	uintptr_t fp_slot;		/* where the base's fp is read; 0: it is unchanged from the first frame */
	struct { uintptr_t slot, word; } address[WALK_MOST];
	struct evaluator evaluator[WALK_EVALUATORS];	/* on it, oldest first */
};

#define LOG2_STEPS 12
#define LOG2_PATHS 6
#define LOG2_WALKS 7
#define UNWINDS 1024u

struct native_thread {
	struct thread_state state;
	struct frame *frames;		/* the last walk, oldest first */
	struct frame *fresh;		/* frames found in this walk, newest first */
	uint32_t n, n_fresh, capacity, fresh_capacity;
	uint32_t generation;
	bool unkept;			/* the last walk cannot be reused */
	uint32_t n_current;		/* so many of the oldest frames are those of the last capture, … */
	uint64_t capture;		/* … which had this number (pystack.h); others are from earlier captures */
	uint32_t n_kept, n_same, same_frame;	/* of this capture: see find_same() */
	bool same_stack;		/* a Python frame has run since the last capture: see oldest_by_time() */
	uint64_t left_ns;		/* when the last capture ended; 0: not known */
	uint64_t away_ns;		/* how long the thread was away before this capture; 0: not known yet */
#ifdef NATIVE_VERIFY
	const struct cached_walk *hit;	/* of the last capture, or NULL */
#endif
	struct evaluators now;
	struct evaluator *known;	/* the last walk's evaluators, oldest first */
	uint32_t n_known, known_capacity;
	/* 3.8, 3.9, on deep stacks: the frames of the interpreter's loop among the first `loops_upto`, oldest first */
	uint32_t *loops, n_loops, loops_capacity, loops_upto;
	uint32_t flushes;		/* the value of native.c's `flushes` when the caches were last cleared */
	struct node_path *path;		/* of this capture, or NULL */
	struct cached_walk walked;	/* the walk of this capture so far */
	bool by_sp, step_by_sp;		/* all its steps, or the last one, depend only on pc and sp */
	struct known_node steps[1u << LOG2_STEPS];
	struct node_path paths[1u << LOG2_PATHS];
	struct cached_walk walks[1u << LOG2_WALKS];
	struct cached_unwind unwinds[UNWINDS] __attribute__((aligned(64)));
};

#endif
