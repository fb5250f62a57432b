/*
 * launch.c - starting the program to be recorded
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/collector.h"
#include "error.h"
#include "wire.h"
#include "xmalloc.h"

char *launch_agent_path(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		die("cannot find myself (/proc/self/exe): %s", strerror(errno));
	self[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
	}
	char *path = xasprintf("%s/lib/memrec/libmemrec.so", self);
	if (access(path, R_OK) < 0)
		die("%s: %s (the agent, installed with memrec)", path, strerror(errno));
	if (strpbrk(path, ": "))
		die("%s: the loader cannot preload a path with a space or a colon in it: move memrec", path);
	return path;
}

static void set_environment(const struct launch *l)
{
	const char *others = getenv("LD_PRELOAD");
	char *preload = others ? xasprintf("%s:%s", l->agent, others) : xstrdup(l->agent);
	char *how = xasprintf("%s %d %u", l->address, (int)getpid(), l->flags);
	setenv("LD_PRELOAD", preload, 1);
	setenv(WIRE_ENV, how, 1);
}

/* What signals did before launch_prepare_signals(): what is ignored stays ignored in the program. */
static struct {
	struct sigaction child, io;
} before;

static void child(const struct launch *l, int report)
{
	set_environment(l);
	sigaction(SIGCHLD, &before.child, NULL);
	sigaction(SIGIO, &before.io, NULL);
	if (l->stdout_to_stderr)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(l->argv[0], l->argv);
	int e = errno;
	if (write(report, &e, sizeof e) < 0)
		_exit(126);
	_exit(127);
}

pid_t launch(const struct launch *l, int *error)
{
	int report[2];	/* closed by a successful exec */
	if (pipe2(report, O_CLOEXEC) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	if (pid == 0)
		child(l, report[1]);
	close(report[1]);
	ssize_t n;
	do
		n = read(report[0], error, sizeof *error);
	while (n < 0 && errno == EINTR);
	close(report[0]);
	return n == sizeof *error ? -1 : pid;
}

static volatile pid_t target;

/* A key at the terminal reaches the program too (si_code SI_KERNEL): only what was sent to us alone is passed on. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (collector_root_ended())
		collector_stop();
	else if (info->si_code <= 0 && info->si_pid != target)
		kill(target, sig);
}

static void wake_up(int sig)
{
	(void)sig;
	collector_interrupt();
}

void launch_pass_signals(pid_t pid)
{
	static const int passed[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };
	target = pid;
	struct sigaction a = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		sigaction(passed[i], &a, NULL);
}

void launch_prepare_signals(void)
{
	struct sigaction interrupt = { .sa_handler = wake_up };
	sigaction(SIGCHLD, &interrupt, &before.child);
	sigaction(SIGIO, &interrupt, &before.io);
}

void launch_open_standard(void)
{
	int fd;
	do	/* closed again in the program, which is to find them as we did */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}
