/*
 * thread.h - one thread of another process, stopped and borrowed by ptrace
 *
 * Only ever one: the others go on, and release the locks they hold.
 */
#ifndef THREAD_H
#define THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define XSTATE_MAX 16384	/* AMX needs 11 KiB, and the kernel refuses to restore less than all */

struct borrowed {
	pid_t pid, tid;
	struct user_regs_struct regs;		/* where it was stopped */
	uint8_t xstate[XSTATE_MAX];
	size_t xstate_size;
	uint64_t signal_mask;
	int held[64], n_held;			/* signals that arrived meanwhile, for later */
	bool saved;
};

/* Stop the thread. 0, or an errno: ESRCH it ended, ETIMEDOUT it does not stop, EPERM. */
int thread_stop(struct borrowed *b, pid_t pid, pid_t tid);
/*
 * Let it run until it comes to an address (a hardware breakpoint: no code is
 * changed), at most for some time; it is stopped again then. False: it ended.
 */
bool thread_run_to(struct borrowed *b, uint64_t address, int timeout_us);
/*
 * Run code of ours on it until that executes int3: `start` are its registers,
 * and then what they were at the end. 0, or the signal that it died of; -1: it is gone.
 */
int thread_call(struct borrowed *b, struct user_regs_struct *start);
/* Everything as it was, and let it go. A system call that was interrupted goes on. */
void thread_release(struct borrowed *b);

#endif
