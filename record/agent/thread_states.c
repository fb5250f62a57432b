/*
 * thread_states.c - per-thread states, reused after their threads have ended
 */
#include "thread_states.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "memory.h"
#include "ring.h"
#include "system_call.h"

#define ASKED 8

struct thread_state *thread_states_take(struct thread_states *c)
{
	struct thread_state *found = NULL;
	int saved = errno;
	lock_take(&c->lock);
	pid_t pid = ring_process(), tid = (pid_t)system_call(SYS_gettid);
	for (int i = 0; i < ASKED && c->all && !found; i++) {
		c->cursor = c->cursor && c->cursor->next ? c->cursor->next : c->all;
		if (c->cursor->owner == tid ||
		    (system_call(SYS_tgkill, pid, c->cursor->owner, 0) < 0 && errno == ESRCH))
			found = c->cursor;
	}
	if (found)
		found->owner = tid;
	lock_drop(&c->lock);
	errno = saved;
	return found;
}

void thread_states_add(struct thread_states *c, struct thread_state *new)
{
	lock_take(&c->lock);
	new->owner = (pid_t)system_call(SYS_gettid);
	new->next = c->all;
	c->all = new;
	lock_drop(&c->lock);
}

void thread_states_forked(struct thread_states *c, struct thread_state *own)
{
	*c = (struct thread_states){ .all = own };
	if (own) {
		own->next = NULL;
		own->owner = (pid_t)system_call(SYS_gettid);
	}
}
