/*
 * claims.h - what a thread keeps, handed on when the thread is no more
 *
 * No pthread key tells of a thread's end: its destructor would run among the
 * target's own. Instead a new thread asks after the owners of a few states.
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include <sys/types.h>

#include "agent.h"

/* The first member of a thread's state. */
struct claim {
	struct claim *next;
	pid_t owner;
};

struct claims {
	struct lock lock;
	struct claim *all, *hand;
};

/* The state of a thread that ended, now the caller's, or NULL. At most one state in eight lies idle. */
struct claim *claims_take(struct claims *c);
/* A new state of the calling thread. */
void claims_add(struct claims *c, struct claim *new);
/* A forked child: only the calling thread's state (or NULL) is left; others may be half changed and are forgotten. */
void claims_forked(struct claims *c, struct claim *own);

#endif
