/*
 * thread.h - stops and borrows one thread of another process by ptrace
 *
 * Only one at a time: the others continue, and release the locks they hold.
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
	int held[64], n_held;			/* signals that arrived since, to send later */
	bool saved;
};

/* Stops the thread. Returns 0 or an errno: ESRCH if it ended, ETIMEDOUT if it does not stop, EPERM. */
int thread_stop(struct borrowed *b, pid_t pid, pid_t tid);
/* Releases the threads that were to stop, but did so only after thread_stop() had returned ETIMEDOUT. */
void thread_release_stopping(void);
/*
 * Lets it run until it reaches an address (a hardware breakpoint, so no code is
 * changed) or the time is up, and stops it again. Returns false if it ended.
 */
bool thread_run_to(struct borrowed *b, uint64_t address, int timeout_us);
/*
 * Makes it run our code until that executes int3. `start`: the registers to begin with,
 * replaced by those at the end. Returns 0, the signal it received, or -1 if it ended.
 */
int thread_call(struct borrowed *b, struct user_regs_struct *start);
/* Restores its state and releases it. A system call that was interrupted continues. */
void thread_release(struct borrowed *b);

#endif
