/*
 * spawn.c - starts the collector from inside the process to be recorded
 *
 * The collector must not be a child of the process, because the program may wait for its
 * children, count them, and get signals when they end. So the collector is the child of a child that ends
 * at once, and init (or a subreaper) adopts it. Both are made as vfork does it: nothing is copied, no
 * fork handler runs, and the end of the first child sends the program no signal (its exit signal is 0).
 *
 * Between clone and execve the child runs in the program's memory while the calling thread waits.
 * It makes only system calls and takes no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "memory.h"
#include "session.h"
#include "system_call.h"

#define STACK_BYTES 32768ul
#define MAX_DESCRIPTORS 65536u	/* closed one by one where there is no close_range (before Linux 5.9) */

struct spawn {
	const char *path;
	char *const *argv, *const *env;
	const int *fds;
	char *inner_stack;
	pid_t pid;
	int error;
};

/* The program may have no descriptor to spare, so only those that are among 0 to 2 are duplicated. */
static bool take_descriptors(const int *fds)
{
	int high[3];
	for (int i = 0; i < 3; i++) {
		high[i] = fds[i] > 2 ? fds[i] : fcntl(fds[i], F_DUPFD, 3);
		if (high[i] < 0)
			return false;
	}
	for (int i = 0; i < 3; i++)
		dup2(high[i], i);
	if (system_call(SYS_close_range, 3u, ~0u, 0u) == 0)
		return true;
	for (unsigned fd = 3; fd < MAX_DESCRIPTORS; fd++)
		system_call(SYS_close, fd);
	return true;
}

/* Starts a session, so that keys of the program's terminal do not reach the collector, and leaves its directory. */
static int become(void *context)
{
	struct spawn *s = context;
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &standard, NULL);
	setsid();
	if (chdir("/") < 0) {
		/* Then the collector stays in the program's directory. */
	}
	if (take_descriptors(s->fds)) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		system_call(SYS_execve, s->path, s->argv, s->env);	/* not the hook */
	}
	s->error = errno;
	system_call(SYS_exit_group, 127);
	return 0;
}

static int make_orphan(void *context)
{
	struct spawn *s = context;
	s->pid = clone(become, s->inner_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, s);
	if (s->pid < 0)
		s->error = errno;
	system_call(SYS_exit_group, 0);
	return 0;
}

HOOK int memrec_agent_spawn(const char *path, char *const argv[], char *const env[], const int fds[3])
{
	int e = errno, status;
	char *stacks = pages_new(2 * STACK_BYTES);
	if (!stacks)
		return -ENOMEM;
	struct spawn s = {
		.path = path, .argv = argv, .env = env, .fds = fds, .inner_stack = stacks + 2 * STACK_BYTES
	};
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = clone(make_orphan, stacks + STACK_BYTES, CLONE_VM | CLONE_VFORK, &s);
	if (pid < 0)
		s.error = errno;
	while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
	pages_free(stacks, 2 * STACK_BYTES);
	errno = e;
	return s.error ? -s.error : s.pid;
}
