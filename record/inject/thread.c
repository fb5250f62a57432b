/*
 * thread.c - stops and borrows one thread of another process by ptrace
 *
 * By PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal that the process could see.
 */
#include "thread.h"

#if defined(__x86_64__)

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system_call.h"

/* ptrace(2) is variadic like syscall(2), and reads two longs. */
#define trace(request, tid, address, data) ptrace(request, tid, (void *)(uintptr_t)(address), (void *)(uintptr_t)(data))

#define STOP_TIMEOUT_US 500000
#define MOST_STOPPING 64
#define ERESTARTNOHAND 514	/* internal to the kernel: restart the call, unless a handler runs */
#define TRAP_HWBKPT_CODE 4
#define MOST_PENDING 16
#define MASK(sig) (1ull << ((sig) - 1))

/* ---------------------------------------------------------------- waiting, with a time limit */

static void on_alarm(int sig)
{
	(void)sig;
}

/* Repeats, as the first signal may arrive before the wait begins. */
static void set_alarm(int us)
{
	struct sigaction a = { .sa_handler = on_alarm };
	struct itimerval t = { { 0, us ? 50000 : 0 }, { us / 1000000, us % 1000000 } };
	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static bool is_gone(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

static bool is_our_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

/* ---------------------------------------------------------------- stopping */

static bool read_registers(struct borrowed *b, struct user_regs_struct *r)
{
	struct iovec v = { r, sizeof *r };
	return trace(PTRACE_GETREGSET, b->tid, NT_PRSTATUS, &v) == 0;
}

static bool write_registers(struct borrowed *b, const struct user_regs_struct *r)
{
	struct iovec v = { (void *)(uintptr_t)r, sizeof *r };
	return trace(PTRACE_SETREGSET, b->tid, NT_PRSTATUS, &v) == 0;
}

static int wait_for_stop(struct borrowed *b)
{
	int error = 0, status;
	set_alarm(STOP_TIMEOUT_US);
	for (;;) {
		if (waitpid(b->tid, &status, __WALL) < 0) {
			error = errno == EINTR ? ETIMEDOUT : errno;
			break;
		}
		if (is_gone(status)) {
			error = ESRCH;
			break;
		}
		if (is_our_stop(status))
			break;
		trace(PTRACE_CONT, b->tid, NULL, WSTOPSIG(status));	/* another signal came first */
	}
	set_alarm(0);
	return error;
}

/*
 * Threads that are to stop, but have not yet: those in a call that cannot be interrupted, such as vfork, or that do
 * not get a processor. Until it stops a thread can be neither released nor seized anew.
 */
static pid_t stopping[MOST_STOPPING];
static int n_stopping;

/* Whether the thread was one of them; it is not any more. */
static bool take_stopping(pid_t tid)
{
	for (int i = 0; i < n_stopping; i++)
		if (stopping[i] == tid) {
			stopping[i] = stopping[--n_stopping];
			return true;
		}
	return false;
}

void thread_release_stopping(void)
{
	for (int i = n_stopping, status; i-- > 0;) {
		pid_t tid = stopping[i];
		if (waitpid(tid, &status, __WALL | WNOHANG) != tid)
			continue;
		if (!is_gone(status) && !is_our_stop(status)) {
			trace(PTRACE_CONT, tid, NULL, WSTOPSIG(status));	/* another signal came first */
			continue;
		}
		trace(PTRACE_DETACH, tid, NULL, NULL);
		take_stopping(tid);
	}
}

int thread_stop(struct borrowed *b, pid_t pid, pid_t tid)
{
	b->pid = pid;
	b->tid = tid;
	b->n_held = 0;
	b->saved = false;
	int error = 0;
	if (!take_stopping(tid)) {
		if (trace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
			return errno;
		if (trace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
			error = errno;
	}
	if (!error)
		do
			error = wait_for_stop(b);
		while (error == ETIMEDOUT && n_stopping == MOST_STOPPING);
	if (!error && !read_registers(b, &b->regs))
		error = errno;
	if (error == ETIMEDOUT)
		stopping[n_stopping++] = tid;
	else if (error && error != ESRCH)
		trace(PTRACE_DETACH, tid, NULL, NULL);
	return error;
}

/* ---------------------------------------------------------------- running to a safe place */

static bool set_debug_register(const struct borrowed *b, int n, uint64_t value)
{
	return trace(PTRACE_POKEUSER, b->tid, offsetof(struct user, u_debugreg) + (size_t)n * 8, value) == 0;
}

/* Returns whether it stopped because of a SIGTRAP, and with this code. Anyone can send a SIGTRAP. */
static bool is_trap(const struct borrowed *b, int status, int code)
{
	siginfo_t info;
	return !is_our_stop(status) && WSTOPSIG(status) == SIGTRAP &&
	       trace(PTRACE_GETSIGINFO, b->tid, NULL, &info) == 0 && info.si_code == code;
}

/*
 * A thread that reaches the breakpoint while it is interrupted stops before it gets the breakpoint's SIGTRAP. That
 * must not reach it once it is released, as it would kill the process.
 */
static bool breakpoint_is_pending(const struct borrowed *b)
{
	struct __ptrace_peeksiginfo_args from = { .nr = MOST_PENDING };
	siginfo_t infos[MOST_PENDING];
	long n = trace(PTRACE_PEEKSIGINFO, b->tid, &from, infos);
	for (long i = 0; i < n; i++)
		if (infos[i].si_signo == SIGTRAP && infos[i].si_code == TRAP_HWBKPT_CODE)
			return true;
	return false;
}

bool thread_run_to(struct borrowed *b, uint64_t address, int timeout_us)
{
	bool interrupted = false;
	int status;
	/* Without debug registers the thread only runs until the timeout. */
	if (set_debug_register(b, 0, address))
		set_debug_register(b, 7, 1);
	trace(PTRACE_CONT, b->tid, NULL, NULL);
	set_alarm(timeout_us);
	for (;;) {
		if (waitpid(b->tid, &status, __WALL) < 0) {
			if (errno != EINTR)
				return false;
			if (!interrupted)
				trace(PTRACE_INTERRUPT, b->tid, NULL, NULL);
			interrupted = true;
			continue;
		}
		if (is_gone(status)) {
			set_alarm(0);
			return false;
		}
		if (is_trap(b, status, TRAP_HWBKPT_CODE))
			break;
		bool stopped = is_our_stop(status);
		if (stopped && !breakpoint_is_pending(b))
			break;
		trace(PTRACE_CONT, b->tid, NULL, stopped ? 0 : WSTOPSIG(status));
	}
	set_alarm(0);
	set_debug_register(b, 7, 0);
	set_debug_register(b, 0, 0);
	set_debug_register(b, 6, 0);
	return read_registers(b, &b->regs);
}

/* ---------------------------------------------------------------- borrowing */

/*
 * Blocks all signals, except those that the C library sends itself (it may be changing
 * the user of all threads), and SIGTRAP, which the kernel would otherwise unblock by force.
 */
static void save(struct borrowed *b)
{
	struct iovec v = { b->xstate, sizeof b->xstate };
	b->xstate_size = trace(PTRACE_GETREGSET, b->tid, NT_X86_XSTATE, &v) == 0 ? v.iov_len : 0;
	trace(PTRACE_GETSIGMASK, b->tid, sizeof b->signal_mask, &b->signal_mask);
	uint64_t all = ~(MASK(32) | MASK(33) | MASK(SIGTRAP));
	trace(PTRACE_SETSIGMASK, b->tid, sizeof all, &all);
	b->saved = true;
}

/* Waits for the int3 at the end of our code. */
static int wait_for_trap(struct borrowed *b)
{
	for (;;) {
		int status;
		if (waitpid(b->tid, &status, __WALL) < 0 || is_gone(status))
			return -1;
		int sig = WSTOPSIG(status), pass = 0;
		if (!is_our_stop(status)) {
			if (is_trap(b, status, SI_KERNEL))
				return 0;
			if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGSYS || sig == SIGFPE)
				return sig;
			if (sig == 32 || sig == 33)
				pass = sig;
			else if (b->n_held < 64)
				b->held[b->n_held++] = sig;
		}
		trace(PTRACE_CONT, b->tid, NULL, pass);
	}
}

int thread_call(struct borrowed *b, struct user_regs_struct *r)
{
	save(b);
	r->orig_rax = (unsigned long long)-1;			/* no system call to restart */
	r->eflags &= ~(0x100ull | 0x400ull | 0x40000ull);	/* trap, direction, alignment check */
	if (!write_registers(b, r))
		return -1;
	trace(PTRACE_CONT, b->tid, NULL, NULL);
	int sig = wait_for_trap(b);
	if (sig == 0 && !read_registers(b, r))
		return -1;
	return sig;
}

/* Recognises calls that return EINTR just because the thread was stopped, so that they are restarted. */
static bool was_cut_short(const struct user_regs_struct *r)
{
	if ((long)r->orig_rax < 0 || (long)r->rax != -EINTR)
		return false;
	switch (r->orig_rax) {
	case SYS_epoll_wait: case SYS_epoll_pwait: case 441 /* epoll_pwait2 */: case SYS_semop: case SYS_semtimedop:
	case SYS_io_getevents: case SYS_rt_sigtimedwait:
		return true;
	}
	return false;
}

void thread_release(struct borrowed *b)
{
	struct user_regs_struct r = b->regs;
	bool again = was_cut_short(&r);
	if (again)
		r.rax = (unsigned long long)-ERESTARTNOHAND;
	if (b->saved) {
		struct iovec v = { b->xstate, b->xstate_size };
		if (b->xstate_size)
			trace(PTRACE_SETREGSET, b->tid, NT_X86_XSTATE, &v);
		trace(PTRACE_SETSIGMASK, b->tid, sizeof b->signal_mask, &b->signal_mask);
	}
	if (b->saved || again)
		write_registers(b, &r);
	trace(PTRACE_DETACH, b->tid, NULL, NULL);
	for (int i = 0; i < b->n_held; i++)
		system_call(SYS_tgkill, b->pid, b->tid, b->held[i]);
	b->n_held = 0;
}
#endif
