/*
 * thread_states.h - per-thread states, reused after their threads have ended
 *
 * No pthread key reports a thread's end: its destructor would run among those of
 * the target. Instead, a new thread checks whether the owners of a few states still live.
 */
#ifndef THREAD_STATES_H
#define THREAD_STATES_H

#include <sys/types.h>

#include "agent.h"
#include "memory.h"

/* The first member of a thread's state. */
struct thread_state {
	struct thread_state *next;
	pid_t owner;
};

struct thread_states {
	struct lock lock;
	struct thread_state *all, *cursor;	/* cursor: the last one checked */
};

/* Gives the caller the state of a thread that has ended; NULL: found none. At most one state in eight is unused. */
struct thread_state *thread_states_take(struct thread_states *c);
/* Adds a new state, owned by the calling thread. */
void thread_states_add(struct thread_states *c, struct thread_state *new);
/* In a forked child: keeps only the calling thread's state (may be NULL); others may be inconsistent. */
void thread_states_forked(struct thread_states *c, struct thread_state *own);

#endif
