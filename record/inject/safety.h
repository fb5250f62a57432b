/*
 * safety.h - may a stopped thread be borrowed where it stands?
 *
 * It is going to call pthread_create. That must not happen inside malloc, the
 * loader or anything else that holds a lock of the C library or is halfway through
 * changing what pthread_create uses: so no frame of its stack may lie there.
 */
#ifndef SAFETY_H
#define SAFETY_H

#include <sys/user.h>

#include "target.h"

struct safety;

/* What is dangerous in this process as it is now; again after target_load(). */
struct safety *safety_new(const struct target *t);
void safety_free(struct safety *s);

struct verdict {
	bool safe;
	uint64_t way_out;	/* not safe: where the outermost dangerous function returns to; 0: not known */
	char why[96];		/* not safe */
};
void safety_judge(struct safety *s, const struct user_regs_struct *regs, struct verdict *v);

/* Whether a thread in this system call waits for something from outside. */
bool is_idle_call(long number);

#endif
