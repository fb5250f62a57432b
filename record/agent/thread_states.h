/*
 * thread_states.h - what a thread keeps, handed on when the thread is no more
 *
 * No pthread key tells of a thread's end: its destructor would run among the
 * target's own. Instead a new thread asks after the owners of a few states.
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
	struct thread_state *all, *cursor;	/* cursor: the next to be asked after */
};

/* The state of a thread that ended, now the caller's, or NULL. At most one state in eight lies idle. */
struct thread_state *thread_states_take(struct thread_states *c);
/* A new state of the calling thread. */
void thread_states_add(struct thread_states *c, struct thread_state *new);
/* A forked child: only the calling thread's state (or NULL) is left; others may be half changed and are forgotten. */
void thread_states_forked(struct thread_states *c, struct thread_state *own);

#endif
