/*
 * memrec.c - record every allocation of a program
 *
 * In:    the program, run as a child with the agent preloaded; or one that runs
 *        already, with the agent put into it, or which loads it by itself
 * Out:   a trace (memtrace(5)) on standard output or in a file
 * Keeps: what is alive in the program (48 bytes a block at the most live
 *        moment), its functions and stacks
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/collector.h"
#include "error.h"
#include "inject/inject.h"
#include "launch.h"
#include "collect/process.h"
#include "tool.h"
#include "units.h"
#include "wire.h"
#include "xmalloc.h"

#define EXIT_OURS 125		/* we failed; as env(1), timeout(1) */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define COMMAND_MAX (64u << 10)

static const struct tool_option options[] = {
	{ "output", 'o', "FILE", "write the trace to FILE; the program keeps its standard output" },
	{ "force", 'f', NULL, "overwrite FILE" },
	{ "native", 'n', NULL, "record C functions too, among the Python functions that called them" },
	{ "trace-python-allocators", 'A', NULL, "record every call to Python's own allocators, not the arenas they use" },
	{ "pid", 'p', "PID", "attach to the running process PID, until Ctrl-C, the duration or its end" },
	{ "await", 'W', NULL, "with --pid: the process itself begins and ends the recording, as memrec.Tracker in Python does" },
	{ "ignore-seccomp", 'S', NULL, "with --pid: attach despite a seccomp filter, which may kill the process for our system calls" },
	{ "duration", 'd', "SECONDS", "with --pid: record for SECONDS; the process then continues unrecorded" },
	{ "follow-fork", 'F', NULL, "record child processes too, in the same trace" },
	{ "verbose", 'v', NULL, "print what was recorded, even if standard error is not a terminal" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memrec",
	.summary = "record every allocation of a program",
	.operands = "[--] COMMAND [ARG...] | --pid PID",
	.example = "memrec -- python3 script.py > trace.lz4",
	.options = options,
	.options_end_at_operand = true,
};

struct settings {
	const char *output;	/* NULL: standard output */
	bool force, ignore_seccomp, verbose, native, python_allocators, follow_fork, awaits;
	pid_t pid;		/* to attach to; 0: none */
	uint32_t duration_ms;	/* 0: no limit */
	char **argv;		/* of the program */
};

/* Milliseconds; some at least. */
static uint32_t seconds(const char *text)
{
	char *end;
	errno = 0;
	double s = strtod(text, &end);
	if (end == text || *end || errno || !(s >= 0.001 && s <= 4000000))
		usage_die("--duration: '%s' is no number of seconds", text);
	return (uint32_t)(s * 1000);
}

/* The arguments of a running process. */
static char **command_of(pid_t pid)
{
	char *text = xcalloc(1, COMMAND_MAX + 2), path[64];
	char **argv = NULL;
	size_t n = 0, cap = 0;
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, text, COMMAND_MAX);
	if (fd >= 0)
		close(fd);
	for (char *p = text; p < text + size; p += strlen(p) + 1) {
		GROW(argv, n, cap);
		argv[n++] = p;
	}
	GROW(argv, n, cap);
	argv[n] = NULL;
	return argv;
}

static void read_options(struct settings *s, int argc, char **argv)
{
	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1;)
		switch (c) {
		case 'o': s->output = optarg; break;
		case 'f': s->force = true; break;
		case 'S': s->ignore_seccomp = true; break;
		case 'v': s->verbose = true; break;
		case 'n': s->native = true; break;
		case 'A': s->python_allocators = true; break;
		case 'F': s->follow_fork = true; break;
		case 'p': s->pid = (pid_t)tool_number(optarg, "--pid", 1, INT32_MAX); break;
		case 'W': s->awaits = true; break;
		case 'd': s->duration_ms = seconds(optarg); break;
		}
	if (s->pid && optind < argc)
		usage_die("a program to be started, or one that runs (--pid)? Both at once cannot be recorded");
	if (s->duration_ms && !s->pid)
		usage_die("--duration is for a program that runs already (--pid); one that is started is recorded to its end");
	if (s->ignore_seccomp && (!s->pid || s->awaits))
		usage_die("--ignore-seccomp is for --pid");
	if (s->awaits && (!s->pid || s->duration_ms))
		usage_die("--await is for --pid, without --duration");
	if (!s->pid && optind == argc)
		usage_die("which program is to be recorded? memrec [OPTIONS] -- COMMAND [ARG...]");
	if (s->output && strcmp(s->output, "-") == 0)
		s->output = NULL;
	s->argv = s->pid ? command_of(s->pid) : argv + optind;
}

static unsigned flags_of(const struct settings *s)
{
	return (s->native ? WIRE_FLAG_NATIVE : 0) | (s->python_allocators ? WIRE_FLAG_PYTHON_ALLOCATORS : 0) |
	       (s->follow_fork ? WIRE_FLAG_FOLLOW_FORK : 0);
}

static int open_output(const struct settings *s)
{
	if (!s->output) {
		struct stat st;
		if (isatty(STDOUT_FILENO))
			usage_die("a trace is binary: append '> trace.lz4' or '| memsummary', or use -o FILE");
		if (fstat(STDOUT_FILENO, &st) < 0)
			die("standard output: %s", strerror(errno));
		return STDOUT_FILENO;
	}
	/* Not O_TRUNC yet: a program that cannot be started must not cost an old trace. */
	int fd = open(s->output, O_WRONLY | O_CREAT | O_CLOEXEC | (s->force ? 0 : O_EXCL), 0666);
	if (fd < 0 && errno == EEXIST)
		die("%s: it exists: choose another name, or overwrite it with -f", s->output);
	if (fd < 0)
		die("%s: %s", s->output, strerror(errno));
	return fd;
}

static uint64_t wall_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void closing_line(const struct collector *c, const struct settings *s, uint64_t bytes)
{
	char events[28], peak[SIZE_TEXT], size[SIZE_TEXT];
	const char *where = s->output ? s->output : "TRACE";
	warn("%s events, peak %s, trace %s; next: memsummary %s", count_text(c->n_events, events),
	     size_text(c->peak_bytes, peak), size_text(bytes, size), where);
}

/* The program could not be started. Nothing was written; a file that we made is taken away. */
static int not_started(const struct settings *s, int fd, int error)
{
	struct stat st;
	if (s->output && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		unlink(s->output);
	if (s->pid)
		return EXIT_FAILURE;	/* that was told */
	if (error == ENOENT && !strchr(s->argv[0], '/') && access(s->argv[0], F_OK) == 0)
		warn("%s: not found in PATH; to run the file of that name: memrec -- python3 %s", s->argv[0], s->argv[0]);
	else
		warn("%s: %s", s->argv[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static void stop(int sig)
{
	(void)sig;
	collector_stop();
}

static void attach(struct collector *c, const struct settings *s, const char *agent, int fd)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction a = { .sa_handler = stop, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &a, NULL);
	c->attached = true;
	c->tell = s->verbose || isatty(STDERR_FILENO);
	c->old_file = fd;
	c->duration_ms = s->duration_ms;
	c->root = s->pid;
	c->injector = inject_start(&(struct injection){ s->pid, agent, c->admission.address, flags_of(s) });
}

/* The process has started us, and reads our standard error: what its agent is to be told; at the end "ended", unless we are killed. */
static void await(struct collector *c, const struct settings *s)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGQUIT };
	struct sigaction ending = { .sa_handler = stop, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigaction(SIGTERM, &ending, NULL);
	c->attached = c->awaited = true;
	c->root = s->pid;
	/* A process that does not read our messages must not make us wait: it may be waiting for us. */
	fcntl(STDERR_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK);
	dprintf(STDERR_FILENO, "awaited %s %u\n", c->admission.address, flags_of(s));
}

int main(int argc, char **argv)
{
	launch_open_standard();
	struct settings s = { 0 };
	read_options(&s, argc, argv);
	bool injects = s.pid && !s.awaits;
	if (injects)
		inject_examine(s.pid, s.ignore_seccomp);
	int fd = open_output(&s), error = 0, status = 0;
	const char *name = s.output ? s.output : "standard output";

	struct mt_header_options about = { .command = (const char *const *)s.argv, .start_ns = wall_ns() };
	about.python_allocators = s.python_allocators;
	about.follow_fork = s.follow_fork;
	about.native = s.native;
	uint64_t start_ns = now_ns();
	struct mt_header *header = mt_header_new(&about);
	struct mt_out *out = mt_create(fd, name, MT_AUTO);
	if (!header || !out)
		die("no memory");
	mt_out_stage(out, &(struct mt_stage_options){
		.program = tool.name, .version = MEMREC_VERSION, .argv = (const char *const *)argv + 1, .title = "" });

	launch_prepare_signals();
	struct collector c;
	int network = injects ? inject_enter_network(s.pid) : -1;
	collector_init(&c, out, header, start_ns);
	inject_leave_network(network);
	char *agent = s.awaits ? NULL : launch_agent_path();
	struct launch how = { .argv = s.argv, .agent = agent, .address = c.admission.address, .stdout_to_stderr = !s.output };
	how.flags = flags_of(&s);
	c.follow_fork = s.follow_fork;
	c.native = s.native;
	pid_t pid = s.pid;
	if (s.awaits)
		await(&c, &s);
	else if (s.pid)
		attach(&c, &s, agent, s.output ? fd : 0);
	else if ((pid = launch(&how, &error)) < 0)
		return not_started(&s, fd, error);
	else
		launch_pass_signals(pid);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (s.output && !s.pid && ftruncate(fd, 0) < 0 && errno != EINVAL)
		warn("%s: %s", s.output, strerror(errno));

	collector_run(&c, pid, &status);
	if (c.attached && status != 0)
		return not_started(&s, fd, 0);
	bool recorded = c.n_recorded > 0;
	collector_end(&c);
	mt_flush(out);
	uint64_t bytes = mt_out_bytes(out);
	int failed = mt_out_errno(out);
	char *why = NULL;
	if (mt_close(out, &why) < 0 && !failed)
		failed = errno;
	if (failed && failed != EPIPE)
		warn("%s; the rest of the program went on unrecorded", why ? why : "the trace could not be written");
	if (!recorded && s.awaits)
		status = 0;	/* it changed its mind */
	else if (!recorded)
		warn("%s did not load the agent: nothing was recorded (is it static, or set-user-ID?)", s.argv[0]);
	else if (s.verbose || isatty(STDERR_FILENO))
		closing_line(&c, &s, bytes);
	if (s.awaits)
		dprintf(STDERR_FILENO, "ended\n");
	mt_header_free(header);
	if (failed && failed != EPIPE && exit_status(status) == 0)
		return EXIT_OURS;
	return exit_status(status);
}
