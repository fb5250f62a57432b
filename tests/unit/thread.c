/*
 * thread.c - a thread of another process is stopped, run and borrowed, and continues as if nothing had happened
 */
#include "thread.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define ROUNDS 3000

struct shared {
	volatile unsigned long turns, traps;
};

void passed(void);
void answer(void);

/* Where the breakpoint is; and code to call, which ends by int3. */
__asm__(".text\n"
	"passed:	ret\n"
	"	.balign 64\n"
	"answer:	mov $42, %eax\n"
	"	int3\n"
	"	nop\n");

static struct shared *shared;

static void on_trap(int sig)
{
	(void)sig;
	shared->traps++;
}

static pid_t start(bool handles)
{
	pid_t pid = fork();
	if (pid > 0) {
		while (!shared->turns)
			usleep(100);
		return pid;
	}
	signal(SIGTRAP, handles ? on_trap : SIG_DFL);
	for (;; shared->turns++) {
		for (volatile int i = 0; i < 3000; i++)
			;
		passed();
	}
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	shared->turns = 0;
}

static bool goes_on(pid_t pid)
{
	unsigned long turns = shared->turns;
	while (shared->turns < turns + 2)
		if (kill(pid, 0) < 0 || waitpid(pid, NULL, WNOHANG) != 0)
			return false;
	return true;
}

/* The time limit is about the time that it takes to get there, so often both happen at once. */
static bool survives_limits(pid_t pid)
{
	static struct borrowed b;
	unsigned long long seed = 1;
	for (int i = 0; i < ROUNDS; i++) {
		if (thread_stop(&b, pid, pid) != 0)
			return false;
		if (!thread_run_to(&b, (uintptr_t)passed, 1 + (int)(check_random(&seed) % 20)))
			return false;
		thread_release(&b);
	}
	return goes_on(pid);
}

/* Returns the registers' answer, or -1. */
static long ask(pid_t pid, int sig)
{
	static struct borrowed b;
	if (thread_stop(&b, pid, pid) != 0)
		return -1;
	struct user_regs_struct r = b.regs;
	r.rip = (uintptr_t)answer;
	r.rsp -= 4096;
	if (sig)
		kill(pid, sig);
	int got = thread_call(&b, &r);
	thread_release(&b);
	return got == 0 ? (long)(uint32_t)r.rax : -1;
}

int main(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = start(false);
	if (ask(pid, 0) < 0) {
		end(pid);
		printf("ok a thread runs our code, and continues # skip ptrace is not permitted\n");
		return 0;
	}
	CHECK("a thread runs our code, and continues", ask(pid, 0) == 42 && goes_on(pid));
	CHECK("a breakpoint reached at the time limit does not kill the process", survives_limits(pid));
	end(pid);
	pid = start(true);
	CHECK("a SIGTRAP that somebody sends is not taken for the end of our code", ask(pid, SIGTRAP) == 42);
	CHECK("the process receives that signal later, once", goes_on(pid) && shared->traps == 1);
	end(pid);
	return check_done();
}
