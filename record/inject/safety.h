/*
 * safety.h - decides whether a stopped thread may be used where it is
 *
 * The thread is going to call pthread_create. It must not do that inside malloc, the
 * loader, or any function that holds a lock of the C library or is changing
 * data that pthread_create uses. So no frame of its stack may be in one.
 */
#ifndef SAFETY_H
#define SAFETY_H

#include <sys/user.h>

#include "target.h"

struct safety;

/* Finds the unsafe functions of this process. Call it again after target_load(). */
struct safety *safety_new(const struct target *t);
void safety_free(struct safety *s);

struct verdict {
	bool safe;
	uint64_t way_out;	/* not safe: the return address of the outermost unsafe function; 0: not known */
	char why[96];		/* not safe */
};
void safety_judge(struct safety *s, const struct user_regs_struct *regs, struct verdict *v);

/* Returns whether a thread in this system call waits for an external event. */
bool is_idle_call(long number);

#endif
