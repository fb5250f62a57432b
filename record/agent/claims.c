/*
 * claims.c - what a thread keeps, handed on when the thread is no more
 */
#include "claims.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "system_call.h"

#define ASKED 8

struct claim *claims_take(struct claims *c)
{
	struct claim *found = NULL;
	int saved = errno;
	lock_take(&c->lock);
	pid_t pid = ring_process(), tid = (pid_t)system_call(SYS_gettid);
	for (int i = 0; i < ASKED && c->all && !found; i++) {
		c->hand = c->hand && c->hand->next ? c->hand->next : c->all;
		if (c->hand->owner == tid || (system_call(SYS_tgkill, pid, c->hand->owner, 0) < 0 && errno == ESRCH))
			found = c->hand;
	}
	if (found)
		found->owner = tid;
	lock_drop(&c->lock);
	errno = saved;
	return found;
}

void claims_add(struct claims *c, struct claim *new)
{
	lock_take(&c->lock);
	new->owner = (pid_t)system_call(SYS_gettid);
	new->next = c->all;
	c->all = new;
	lock_drop(&c->lock);
}

void claims_forked(struct claims *c, struct claim *own)
{
	*c = (struct claims){ .all = own };
	if (own) {
		own->next = NULL;
		own->owner = (pid_t)system_call(SYS_gettid);
	}
}
