/*
 * launch.c - records a program that memrec starts, until it and its recorded children have ended
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_file.h"
#include "error.h"
#include "program.h"
#include "wire.h"
#include "xmalloc.h"

static void set_environment(const struct launch *l, const char *address)
{
	const char *others = getenv("LD_PRELOAD");
	const char *agent = agent_file_name();
	char *preload = others ? xasprintf("%s:%s", agent, others) : xstrdup(agent);
	char *how = xasprintf("%s %d %u", address, (int)getpid(), l->flags);
	setenv("LD_PRELOAD", preload, 1);
	setenv(WIRE_ENV, how, 1);
}

/* The limit of descriptors that we started with, which the program gets. */
static struct rlimit descriptors;

void launch_raise_limit(void)
{
	if (getrlimit(RLIMIT_NOFILE, &descriptors) < 0 || descriptors.rlim_cur == descriptors.rlim_max)
		return;
	struct rlimit most = { descriptors.rlim_max, descriptors.rlim_max };
	setrlimit(RLIMIT_NOFILE, &most);	/* if it fails, the limit stays */
}

/* The signal actions before launch_prepare_signals(): ignored signals stay ignored in the program. */
static struct {
	struct sigaction child, io;
} before;

const char *launch_unfit(const char *file)
{
	const char *preload = getenv("LD_PRELOAD");
	enum program kind = preload && program_preloads_sanitizer(preload) ? PROGRAM_SANITIZED : program_searched(file);
	switch (kind) {
	case PROGRAM_OTHER_WORD: return "it is not a 64-bit program for this processor";
	case PROGRAM_OTHER_LIBC: return "its C library is neither glibc nor musl";
	case PROGRAM_SANITIZED: return "it runs with a sanitizer, whose library must be the first";
	default: return NULL;
	}
}

static void child(const struct launch *l, const char *address, int report)
{
	if (!launch_unfit(l->argv[0]))
		set_environment(l, address);
	if (descriptors.rlim_max)
		setrlimit(RLIMIT_NOFILE, &descriptors);
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

/* Returns the pid; or -1 with *error set to the errno of exec. */
static pid_t start(const struct launch *l, const char *address, int *error)
{
	int report[2];	/* closed by a successful exec */
	if (pipe2(report, O_CLOEXEC) < 0)
		die("cannot create a pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		die("cannot start a process: %s", strerror(errno));
	if (pid == 0)
		child(l, address, report[1]);
	close(report[1]);
	ssize_t n;
	do
		n = read(report[0], error, sizeof *error);
	while (n < 0 && errno == EINTR);
	close(report[0]);
	return n == sizeof *error ? -1 : pid;
}

/* For the signal handlers. */
static volatile pid_t target;
static volatile sig_atomic_t ended;

/* Passes on only signals sent to us alone: those from a key at the terminal (SI_KERNEL) reach the program anyway. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (ended)		/* its pid may have been reused */
		collector_stop(sig);
	else if (info->si_code <= 0 && info->si_pid != target)
		kill(target, sig);
}

static void pass_signals(pid_t pid)
{
	static const int passed[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH };
	target = pid;
	struct sigaction a = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		sigaction(passed[i], &a, NULL);
}

/* ---------------------------------------------------------------- descendants */

/* Returns our children's pids, in decimal, separated by spaces; the caller frees it. NULL: not known. */
static char *list_children(void)
{
	char *text = NULL;
	size_t n = 0, cap = 0;
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	ssize_t more = fd < 0 ? -1 : 0;
	do {
		n += (size_t)(more > 0 ? more : 0);
		GROW(text, n + 1, cap);
		more = fd < 0 ? -1 : read(fd, text + n, cap - n - 1);
	} while (more > 0);
	if (fd >= 0)
		close(fd);
	if (more < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static bool is_listed(const char *pids, long pid)
{
	for (char *end; *pids; pids = end) {
		if (strtol(pids, &end, 10) == pid)
			return true;
		if (end == pids)
			break;
	}
	return false;
}

/*
 * Makes descendants whose parent is gone our children: so we know whether any is left, even one that has not
 * allocated yet. Our own program may have had children before exec; they are not part of the recording.
 */
static void adopt_orphans(struct launched *l)
{
	l->others = list_children();
	bool childless = waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
	if (!l->others && childless)
		l->others = xstrdup("");
	l->adopts = l->others && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

/*
 * Handles children that ended; as the first process of a pid namespace, all of its orphans too. Returns whether we
 * have any child left.
 */
static bool reap(struct launched *l, struct collector *c)
{
	pid_t root = l->recording.root, pid;
	int status;
	while ((pid = waitpid(l->adopts || getpid() == 1 ? -1 : root, &status, WNOHANG)) > 0) {
		if (pid == root) {
			l->status = status;
			ended = 1;
		}
		collector_end_child(c, pid, status);
	}
	return pid == 0;
}

static bool has_descendants(const struct launched *l)
{
	char *pids = *l->others ? list_children() : NULL;
	bool any = !*l->others;		/* then each child is a descendant of the program */
	for (char *p = pids, *end; p && !any; p = end) {
		long pid = strtol(p, &end, 10);
		if (end == p)
			break;
		any = !is_listed(l->others, pid);
	}
	free(pids);
	return any;
}

/* Once the program has ended, a signal to us ends the recording of remaining children. */
static bool over(struct recording *r, struct collector *c)
{
	struct launched *l = (struct launched *)r;
	bool children = reap(l, c);
	collector_end_gone(c, ended ? 0 : r->root);
	if (!ended)
		return false;
	if (collector_stopped()) {
		if (c->n_processes)
			c->output.stopped = "stopped early by a signal";
		collector_let_go(c);
		return true;
	}
	return c->n_processes == 0 && !(l->adopts && children && has_descendants(l));
}

/* For end_without_trace(). */
static struct collector *the_collector;
static struct launched *the_program;

/* Called when memory runs out: ends the trace. The program continues, and we exit with its status. */
static void end_without_trace(void)
{
	int *status = &the_program->status;
	warn("out of memory; the program continues unrecorded");
	collector_abandon(the_collector);
	while (!ended && waitpid(target, status, 0) < 0 && errno == EINTR)
		;
	int code = WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
	_exit(code ? code : LAUNCH_NO_TRACE);
}

int launch_begin(struct launched *l, struct collector *c, const struct launch *how)
{
	int error;
	*l = (struct launched){ .recording = { -1, over } };
	if (how->flags & WIRE_FLAG_FOLLOW_FORK)
		adopt_orphans(l);
	agent_file_name();	/* in this process, which outlives the program */
	l->recording.root = start(how, c->admission.address, &error);
	if (l->recording.root < 0)
		return error;
	admission_expect(&c->admission, l->recording.root, geteuid(), false);
	pass_signals(l->recording.root);
	the_collector = c;
	the_program = l;
	out_of_memory = end_without_trace;
	return 0;
}

static void wake_up(int sig)
{
	(void)sig;
	collector_interrupt();
}

static void mark(int sig)
{
	(void)sig;
	collector_mark();
}

void launch_prepare_signals(void)
{
	struct sigaction interrupt = { .sa_handler = wake_up }, request = { .sa_handler = mark };
	sigaction(LAUNCH_MARK_SIGNAL, &request, NULL);
	sigaction(SIGCHLD, &interrupt, &before.child);
	sigaction(SIGIO, &interrupt, &before.io);
}

void launch_open_standard(void)
{
	int fd;
	do	/* closed in the program by exec, so it starts with the same descriptors as we did */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}
