/*
 * native_thread.h - what a thread keeps of the C stack it walked last, for native.c
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
	bool complex;			/* finding it took more reads than those */
	bool fp_needed;			/* to step out of it, or of one beyond that has its fp from it */
};

/* A node found before, in front of the table of all. */
struct known_node {
	uint64_t what;
	uint32_t parent, node;		/* node 0: the entry is free */
};

/*
 * A step outwards made before. Where it leads follows from the frame's pc and
 * sp (and fp, if the rule asks for that), and it is taken again if the return
 * address that was read then is still there. That is compared, but the next
 * step need not wait for it, as it would for the rule and the word.
 */
struct cached_unwind {
	uintptr_t pc, sp, fp;
	uintptr_t fp_matters;		/* all bits or none */
	uintptr_t caller_pc, caller_sp, ip_slot, fp_slot;
};

/*
 * A few frames on top of a node, as a program's loop puts them there again and
 * again: their nodes at one look, and that of their pair with a Python stack.
 */
#define PATH_MOST 8u
struct node_path {
	uint32_t from, n;		/* n 0: the entry is free */
	uint32_t python, pair;		/* python 0: no pair yet */
	uint64_t what[PATH_MOST];
	uint32_t node[PATH_MOST];
};

/*
 * A whole walk made before, from the hook outwards to a frame that was unchanged, by steps
 * that follow from pc, sp and one return address each. If these addresses are unchanged, so is the
 * walk, and its number is known.
 */
#define WALK_MOST 14u
#define WALK_EVALUATORS 4u
struct cached_walk {
	uintptr_t pc, sp;		/* where it begins */
	uint32_t n;			/* return addresses on it; 0: the entry is free */
	uint32_t base, base_node;	/* the frame it leads to: its index, its node */
	uint32_t python, node;		/* the Python stack, and the number of both */
	uint32_t n_evaluators;
	uintptr_t base_sp;
	uintptr_t fp_slot;		/* where the base's fp is read; 0: it is the beginning's */
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
	struct frame *fresh;		/* found in this walk, newest first */
	uint32_t n, n_fresh, capacity, fresh_capacity;
	uint32_t generation;
	bool unkept;			/* the last walk cannot serve this one */
#ifdef NATIVE_VERIFY
	const struct cached_walk *hit;	/* of the last capture, or NULL */
#endif
	struct evaluators now;
	struct evaluator *known;	/* the last walk's evaluators, oldest first */
	uint32_t n_known, known_capacity;
	uint32_t flushes;		/* of rules, that the cached unwinds know of */
	struct node_path *path;		/* of this capture, or NULL */
	struct cached_walk walked;		/* of this capture, as it is walked */
	bool by_sp, step_by_sp;		/* all its steps so far follow from pc and sp; the last one did */
	struct known_node steps[1u << LOG2_STEPS];
	struct node_path paths[1u << LOG2_PATHS];
	struct cached_walk walks[1u << LOG2_WALKS];
	struct cached_unwind unwinds[UNWINDS] __attribute__((aligned(64)));
};

#endif
