/*
 * memrec.c - record every allocation of a program
 *
 * In:    the program, run as a child with the agent preloaded; or a running one,
 *        after the agent was loaded into it, or that loads the agent itself
 * Out:   a trace (memtrace(5)) on standard output or in a file
 * Keeps: the program's live blocks (48 bytes per block, at the most there ever
 *        were), its functions and stacks
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

#include "advice.h"
#include "attach.h"
#include "await.h"
#include "collect/clock.h"
#include "collect/collector.h"
#include "collect/procfs.h"
#include "error.h"
#include "inject/inject.h"
#include "last_words.h"
#include "launch.h"
#include "named.h"
#include "parts.h"
#include "rights.h"
#include "tool.h"
#include "trace_files.h"
#include "units.h"
#include "wire.h"
#include "xmalloc.h"

#define EXIT_OURS LAUNCH_NO_TRACE		/* we failed; as in env(1), timeout(1) */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define COMMAND_MAX (64u << 10)
#define MOST_NEIGHBOURS 100

enum {
	KEY_NAME = 256, KEY_LAST, KEY_ROTATE, KEY_BEGIN, KEY_UNTIL, KEY_MARK, KEY_SOURCE, KEY_NO_SOURCE,
	KEY_OOM_REPORT, KEY_SAMPLE, KEY_SEED, KEY_FROM_SCRIPT, KEY_CENSUS, KEY_REFERENCES
};

static const struct tool_option options[] = {
	{ "output", 'o', "FILE", "write the trace to FILE; the program keeps its standard output" },
	{ "force", 'f', NULL, "overwrite FILE" },
	{ "native", 'n', NULL, "record C functions too, among the Python functions that called them" },
	{ "trace-python-allocators", 'A', NULL,
	  "record every call to Python's own allocators, not the arenas they use" },
	{ "pid", 'p', "PID",
	  "attach to the running process PID, until Ctrl-C, the duration or its end; several: PID,PID or -p again" },
	{ "name", KEY_NAME, "NAME", "attach to all running processes of that name, such as uvicorn" },
	{ "await", 'W', NULL,
	  "with --pid: the process itself begins and ends the recording, as memrec.Tracker in Python does" },
	{ "ignore-seccomp", 'S', NULL,
	  "with --pid: attach despite a seccomp filter, which may kill the process for the agent's system calls" },
	{ "duration", 'd', "TIME",
	  "with --pid: record for TIME (10, 500ms, 2min; seconds if without a unit); the process then continues "
	  "unrecorded" },
	{ "follow-fork", 'F', NULL, "record child processes too, in the same trace; with --pid also those it has" },
	{ "from-script", KEY_FROM_SCRIPT, NULL,
	  "record each Python process from the beginning of its script on, without the interpreter's start" },
	{ "sample", KEY_SAMPLE, "SIZE",
	  "record one block per SIZE of allocated memory (512KiB), on average, at almost no cost; reports estimate" },
	{ "seed", KEY_SEED, "N", "with --sample: choose the blocks by the number N, not at random" },
	{ "last", KEY_LAST, "AMOUNT",
	  "keep only the last TIME (10min) or SIZE (500MB), in files FILE.000001 and so on" },
	{ "rotate", KEY_ROTATE, "AMOUNT", "begin another such file after each TIME or SIZE" },
	{ "begin-at", KEY_BEGIN, "MOMENT",
	  "record from a moment on, with what is live then: 'RSS>2GB', 'HEAP>500MB' or a TIME" },
	{ "until", KEY_UNTIL, "MOMENT",
	  "record until a moment: one of these, or a SIZE of the trace; the program then continues unrecorded" },
	{ "census", KEY_CENSUS, NULL,
	  "when the script ends, examine all live blocks: their addresses and, of Python's objects, their types" },
	{ "references", KEY_REFERENCES, NULL,
	  "in each census also record which objects refer to which, for memheld; implies --census" },
	{ "mark", KEY_MARK, "PID",
	  "ask the memrec with this PID to mark the present in its trace, and to begin another file if it rotates" },
	{ "source", KEY_SOURCE, "N", "with each line of source code, record N lines before and after it, too" },
	{ "no-source", KEY_NO_SOURCE, NULL, "record no source code" },
	{ "oom-report", KEY_OOM_REPORT, "FILE.html",
	  "if the program is killed or runs out of memory, write the page of its trace (memflame) to FILE.html" },
	{ "verbose", 'v', NULL, "print a summary of the recording, even if standard error is not a terminal" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memrec",
	.summary = "record every allocation of a program",
	.operands = "[--] COMMAND [ARG...] | --pid PID | --name NAME",
	.example = "memrec -- python3 script.py > trace.lz4",
	.options = options,
	.options_end_at_operand = true,
};

struct settings {
	const char *output;	/* NULL: standard output */
	const char *oom_report;	/* NULL: none */
	bool force, ignore_seccomp, verbose, native, python_allocators, follow_fork, awaits, from_script, census;
	bool references;
	pid_t pid;		/* the process to attach to, or the first of several; 0: none */
	pid_t *pids;		/* all of them */
	size_t n_pids, cap_pids;
	uint32_t duration_ms;	/* 0: no limit */
	struct sampling sampling;
	struct parts parts;
	struct source_rules source;
	char **argv;		/* of the program */
	struct typed typed;	/* our own, if it is to be started */
};

/* Returns the arguments of a running process. */
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

/* The signal does nothing to a process that is no memrec, but a wrong PID is to be reported. */
static void request_mark(pid_t pid) __attribute__((noreturn));
static void request_mark(pid_t pid)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	FILE *comm = fopen(path, "re");
	if (!comm || !fgets(name, sizeof name, comm) || strcmp(name, "memrec\n") != 0)
		die("process %d is not a memrec: give the PID of the memrec that records (pgrep -x memrec)", (int)pid);
	fclose(comm);
	if (kill(pid, LAUNCH_MARK_SIGNAL) < 0)
		die("process %d: %s", (int)pid, strerror(errno));
	exit(EXIT_SUCCESS);
}

static void add_pid(struct settings *s, pid_t pid)
{
	GROW(s->pids, s->n_pids, s->cap_pids);
	s->pids[s->n_pids++] = pid;
	s->pid = s->pids[0];
}

/* "12" or "12,13". */
static void add_pids(struct settings *s, const char *text)
{
	char *copy = xstrdup(text);
	for (char *rest = copy, *word; (word = strsep(&rest, ",")) != NULL;)
		add_pid(s, (pid_t)tool_number(word, "--pid", 1, INT32_MAX));
	free(copy);
}

static void add_named(struct settings *s, const char *name)
{
	size_t n;
	pid_t *pids = named_find(name, &n);
	if (n == 0)
		die("no process is named %s", name);
	for (size_t i = 0; i < n; i++)
		add_pid(s, pids[i]);
	free(pids);
}

/* The mean is at most a terabyte, so that differences between two samples fit into 64 bits. */
static uint64_t sample_size(const char *text)
{
	uint64_t bytes = tool_size(text, "--sample");
	if (bytes < 1 || bytes > UINT64_C(1) << 40)
		usage_die("--sample: '%s' is not a size from 1 to 1TiB, such as 512KiB", text);
	return bytes;
}

/* It need not be secret, only different each time. */
static uint64_t random_seed(void)
{
	return now_ns() ^ clock_ns(CLOCK_REALTIME) << 20 ^ (uint64_t)getpid() << 44;
}

static void read_options(struct settings *s, int argc, char **argv)
{
	bool seeded = false;
	s->sampling.seed = random_seed();
	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1;)
		switch (c) {
		case 'o': s->output = optarg; break;
		case 'f': s->force = true; break;
		case 'S': s->ignore_seccomp = true; break;
		case 'v': s->verbose = true; break;
		case 'n': s->native = true; break;
		case 'A': s->python_allocators = true; break;
		case 'F': s->follow_fork = true; break;
		case KEY_FROM_SCRIPT: s->from_script = true; break;
		case KEY_OOM_REPORT: s->oom_report = optarg; break;
		case 'p': add_pids(s, optarg); break;
		case KEY_NAME: add_named(s, optarg); break;
		case 'W': s->awaits = true; break;
		case KEY_LAST: s->parts.last = parts_amount(optarg, "--last"); break;
		case KEY_ROTATE: s->parts.rotate = parts_amount(optarg, "--rotate"); break;
		case KEY_BEGIN:
			s->parts.begin = parts_moment(optarg, "--begin-at");
			s->parts.begin_text = optarg;
			break;
		case KEY_UNTIL: s->parts.until = parts_moment(optarg, "--until"); break;
		case KEY_SOURCE:
			s->source.around = (uint32_t)tool_number(optarg, "--source", 0, MOST_NEIGHBOURS);
			break;
		case KEY_NO_SOURCE: s->source.none = true; break;
		case KEY_SAMPLE: s->sampling.mean = sample_size(optarg); break;
		case KEY_SEED:
			s->sampling.seed = tool_number(optarg, "--seed", 0, UINT64_MAX);
			seeded = true;
			break;
		case KEY_CENSUS: s->census = true; break;
		case KEY_REFERENCES: s->census = s->references = true; break;
		case KEY_MARK: request_mark((pid_t)tool_number(optarg, "--mark", 1, INT32_MAX));
		case 'd': s->duration_ms = (uint32_t)tool_time_ms(optarg, "--duration", 1, UINT32_MAX); break;
		}
	if (s->pid && optind < argc)
		usage_die("give either a program to start or a running one (--pid), not both");
	if (s->duration_ms && !s->pid)
		usage_die("--duration needs --pid: a program that memrec starts is recorded to its end");
	if (s->ignore_seccomp && (!s->pid || s->awaits))
		usage_die("--ignore-seccomp needs --pid");
	if (s->awaits && (s->n_pids != 1 || s->duration_ms))
		usage_die("--await needs one --pid, and cannot be used with --duration");
	if (!s->pid && optind == argc)
		usage_die("no program given: memrec [OPTION...] -- COMMAND [ARG...]");
	if (s->source.none && s->source.around)
		usage_die("give only one of --source and --no-source");
	if (seeded && !s->sampling.mean)
		usage_die("--seed needs --sample: without it every block is recorded");
	if (s->output && strcmp(s->output, "-") == 0)
		s->output = NULL;
	parts_check(&s->parts, s->output);
	s->argv = s->pid ? command_of(s->pid) : argv + optind;
	s->typed = (struct typed){ argv, optind, !s->output && isatty(STDOUT_FILENO) };
}

/* Returns whether we load the agent into the process; memrec.Tracker does so itself. */
static bool attaches(const struct settings *s)
{
	return s->pid && !s->awaits;
}

static bool is_talkative(const struct settings *s)
{
	return s->verbose || isatty(STDERR_FILENO);
}

static unsigned flags_of(const struct settings *s)
{
	return (s->native ? WIRE_FLAG_NATIVE : 0) | (s->python_allocators ? WIRE_FLAG_PYTHON_ALLOCATORS : 0) |
	       (s->follow_fork ? WIRE_FLAG_FOLLOW_FORK : 0) | (s->census ? WIRE_FLAG_CENSUS : 0);
}

/* ---------------------------------------------------------------- the output */

struct destination {
	int fd;			/* -1: several files are named after it */
	const char *name;
	bool made;		/* we created the file */
};

static struct destination standard_output(void)
{
	struct stat st;
	if (isatty(STDOUT_FILENO))
		usage_die("a trace is binary: append '> trace.lz4' or '| memsummary', or use -o FILE");
	if (fstat(STDOUT_FILENO, &st) < 0)
		die("standard output: %s", strerror(errno));
	return (struct destination){ STDOUT_FILENO, "standard output", false };
}

static struct destination open_output(const struct settings *s)
{
	if (!s->output)
		return standard_output();
	struct destination d = { .fd = -1, .name = s->output, .made = true };
	if (parts_are_files(&s->parts))
		return d;
	d.fd = open(s->output, O_WRONLY | O_CREAT | O_CLOEXEC | O_EXCL, 0600);
	/* Not O_TRUNC yet: if the program cannot be started, the old trace must remain. */
	if (d.fd < 0 && errno == EEXIST && s->force) {
		d.made = false;
		d.fd = open(s->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	}
	if (d.fd < 0 && errno == EEXIST)
		die("%s: file exists: choose another name, or overwrite it with -f", s->output);
	if (d.fd < 0)
		die("%s: %s", s->output, strerror(errno));
	return d;
}

static void empty(const struct destination *d)
{
	if (d->fd > STDOUT_FILENO && ftruncate(d->fd, 0) < 0 && errno != EINVAL)
		warn("%s: %s", d->name, strerror(errno));
}

/* Removes an output file that we created, as nothing was recorded. */
static void discard(const struct destination *d)
{
	if (d->made && d->fd >= 0)
		unlink(d->name);
}

/* ---------------------------------------------------------------- the trace */

/* One, or the segments of a recording. */
struct trace {
	struct mt_header_options how;
	struct mt_header *header;
	struct mt_stage_options stage;
	struct segment_rules rules;
	struct segments *segments;	/* NULL: there is one trace, `out` */
	struct mt_out *out;
};

static void make_trace(struct trace *t, const struct settings *s, const struct destination *d, char *const *argv)
{
	*t = (struct trace){
		.how = { .command = (const char *const *)s->argv, .start_ns = clock_ns(CLOCK_REALTIME),
			 .python_allocators = s->python_allocators, .follow_fork = s->follow_fork,
			 .native = s->native, .sample_bytes = s->sampling.mean },
		.stage = { .program = tool.name, .version = MEMREC_VERSION, .argv = (const char *const *)argv + 1,
			   .title = "" },
	};
	t->rules = (struct segment_rules){ .output = d->fd < 0 ? d->name : NULL, .fd = d->fd, .name = d->name,
					   .force = s->force, .header = t->how, .stage = &t->stage };
	parts_rules(&s->parts, &t->rules);
	t->header = mt_header_new(&t->how);
	if (segment_rules_any(&t->rules)) {
		t->segments = segments_new(&t->rules);
		t->out = segments_out(t->segments);
	} else if ((t->out = mt_create(d->fd, d->name, MT_AUTO)) != NULL) {
		mt_out_stage(t->out, &t->stage);
	}
	if (!t->header || !t->out)
		die("out of memory");
}

/*
 * Returns 0, or the errno of a failed write after a warning. The end of the reader (EPIPE) is no failure. *bytes is
 * what was written and is kept.
 */
static int end_trace(struct trace *t, struct output *o, uint64_t *bytes)
{
	char *why = NULL;
	int failed;
	output_end(o);
	if (t->segments) {
		failed = segments_end(t->segments, o->now_ms, o->stacks, &why);
		*bytes = segments_bytes(t->segments);
	} else {
		mt_flush(t->out);
		*bytes = mt_out_bytes(t->out);
		failed = mt_out_errno(t->out);
		if (mt_close(t->out, &why) < 0 && !failed)
			failed = errno;
	}
	if (failed == EPIPE)
		return 0;
	if (failed)
		warn("%s; the program continued unrecorded", why ? why : "the trace could not be written");
	return failed;
}

/* Returns the path without the working directory; the caller frees it. */
static char *relative(char *path)
{
	char *cwd = realpath(".", NULL), *shorter = NULL;
	size_t n = cwd ? strlen(cwd) : 0;
	if (path && n && strncmp(path, cwd, n) == 0 && path[n] == '/')
		shorter = xstrdup(path + n + 1);
	free(cwd);
	if (!shorter)
		return path;
	free(path);
	return shorter;
}

/*
 * Returns "memgrow svc.*.lz4"; NULL if the trace went into a pipe, where the next command is already. The caller frees
 * it.
 */
static char *next_command(const struct settings *s)
{
	bool several = parts_are_files(&s->parts);
	char *name = several	? segments_pattern(s->output) :
		     s->output	? xstrdup(s->output) :
				  relative(trace_file_redirected());
	char *command = name ? xasprintf("%s %s", several ? "memgrow" : "memsummary", name) : NULL;
	free(name);
	return command;
}

/* Why the recording ended before its programs did, or NULL. */
static const char *stopped(const struct output *o, const struct trace *t, int failed)
{
	if (t->segments && segments_over(t->segments))
		return "stopped at --until";
	if (failed)
		return "stopped early, as the trace could not be written";
	return o->failed ? "stopped early, as the reader of the trace ended" : o->stopped;
}

static void add(char **list, char *item)
{
	char *longer = *list ? xasprintf("%s; %s", *list, item) : xstrdup(item);
	free(*list);
	free(item);
	*list = longer;
}

/* Returns what the recording does not have, and how to get it: "stopped at --until; no Python was seen", or NULL. */
static char *missed(const struct output *o, const char *stopped)
{
	char number[28], *list = NULL;
	if (stopped)
		add(&list, xstrdup(stopped));
	if (o->n_elsewhere)
		add(&list, xasprintf("%s program%s in another network namespace, where no recorder can be reached: "
				     "start memrec there",
				     count_text(o->n_elsewhere, number), o->n_elsewhere == 1 ? " ran" : "s ran"));
	else if (o->from_script && o->n_events == 0 && !o->failed)
		add(&list, xstrdup("no Python script began, so nothing was recorded"));
	else if (o->n_pythons == 0 && !o->failed)
		add(&list, xasprintf("no Python was seen%s", o->n_children ? "" : " (--native records C functions)"));
	if (o->n_unfit)
		add(&list, xasprintf("%s program%s with another C library or word size, or with a sanitizer, "
				     "unrecorded", count_text(o->n_unfit, number), o->n_unfit == 1 ? " ran" : "s ran"));
	if (o->n_children)
		add(&list, xasprintf("%s child process%s not recorded: --follow-fork",
				     count_text(o->n_children, number), o->n_children == 1 ? " was" : "es were"));
	return list;
}

/* One line; if the recording lacks something, that is in a second one, with the next command. */
static void closing_line(const struct output *o, const struct settings *s, uint64_t bytes, const char *stopped)
{
	char events[28], peak[SIZE_TEXT], size[SIZE_TEXT], *next = next_command(s), *lacks = missed(o, stopped);
	char *figures = xasprintf("%s events, peak %s, trace %s", count_text(o->n_events, events),
				  size_text(o->peak_bytes, peak), size_text(bytes, size));
	if (lacks)
		warn("%s", figures);
	warn("%s%s%s", lacks ? lacks : figures, next ? "; next: " : "", next ? next : "");
	free(figures);
	free(lacks);
	free(next);
}

/* ---------------------------------------------------------------- the recording */

/* Returns memrec's exit status. *began is false if the recording could not begin; the reason has then been printed. */
typedef int record_fn(struct collector *c, const struct settings *s, const struct destination *d,
		      struct last_words *w, bool *began);

/* Ignores signals for failed output, as errno reports it. Only now, so that the program does not inherit that. */
static void run(struct collector *c, struct recording *r)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	collector_run(c, r);
}

/* Returns memrec's exit status. */
static int not_executed(const struct settings *s, int error)
{
	advice_print(&s->typed, error);
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int record_launched(struct collector *c, const struct settings *s, const struct destination *d,
			   struct last_words *w, bool *began)
{
	struct launched l;
	struct launch how = { s->argv, flags_of(s), .stdout_to_stderr = !s->output };
	int error = launch_begin(&l, c, &how);
	*began = error == 0;
	if (error)
		return not_executed(s, error);
	empty(d);
	last_words_begin(w, l.recording.root, s->argv);
	run(c, &l.recording);
	w->ended = true;
	w->status = l.status;
	return WIFSIGNALED(l.status) ? 128 + WTERMSIG(l.status) : WEXITSTATUS(l.status);
}

/* Whether a process has ended, whether or not its parent has noticed. */
static bool is_over(pid_t pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	ssize_t n = procfs_read(path, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	const char *state = strrchr(text, ')');
	return n <= 0 || (state && (state[1] ? state[2] : 0) == 'Z');
}

static int record_attached(struct collector *c, const struct settings *s, const struct destination *d,
			   struct last_words *w, bool *began)
{
	struct attached a;
	c->output.old_file = s->output && d->fd >= 0 ? d->fd : 0;
	attach_begin(&a, c,
		     &(struct attach){ .pids = s->pids, .n_pids = s->n_pids, .flags = flags_of(s),
				       .verbose = is_talkative(s), .needs_rights = c->output.segments != NULL,
				       .ignore_filter = s->ignore_seccomp, .duration_ms = s->duration_ms });
	last_words_begin(w, s->pid, s->argv);
	run(c, &a.recording);
	*began = attach_end(&a);
	w->ended = *began && is_over(s->pid);
	w->status = -1;
	return *began ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int record_awaited(struct collector *c, const struct settings *s, const struct destination *d,
			   struct last_words *w, bool *began)
{
	(void)d;
	(void)w;
	struct awaited a;
	await_begin(&a, c, s->pid, flags_of(s));
	run(c, &a.recording);
	*began = true;
	return EXIT_SUCCESS;
}

/* Agents look for the collector in their own network namespace. */
static void open_collector(struct collector *c, const struct settings *s, const struct trace *t)
{
	int network = attaches(s) ? inject_enter_network(s->pid) : -1;
	struct source_rules source = s->source;
	source.keep = t->segments != NULL;
	/* A process that runs already may have read its files long ago. */
	for (size_t i = 0; i < s->n_pids; i++) {
		uint64_t began = source_process_began(s->pids[i]);
		source.changed_ns = i == 0 || began < source.changed_ns ? began : source.changed_ns;
	}
	source.lower = rights_lower;
	source.restore = rights_restore;
	collector_init(c, &(struct recording_options){ t->out, t->header, now_ns(), s->follow_fork, s->native,
						       s->census, source, s->sampling });
	c->output.segments = t->segments;
	c->output.references = s->references;
	if (s->from_script)
		output_from_script(&c->output);
	if (t->segments)
		segments_sources(t->segments, source_files_kept(c->output.sources));
	inject_leave_network(network);
}

/* Now rather than when the program has died. */
static void check_oom_report(const struct settings *s)
{
	if (!s->oom_report)
		return;
	char *trace = s->output ? xstrdup(s->output) : trace_file_redirected();
	if (!trace)
		usage_die("--oom-report needs the trace in a file: -o FILE");
	if (!s->force && access(s->oom_report, F_OK) == 0)
		die("%s: file exists: choose another name, or overwrite it with -f", s->oom_report);
	const char *slash = strrchr(s->oom_report, '/');
	char *folder = slash ? xasprintf("%.*s/", (int)(slash - s->oom_report), s->oom_report) : xstrdup(".");
	if (access(folder, W_OK) != 0)
		die("%s: %s", s->oom_report, strerror(errno));
	free(folder);
	free(trace);
}

/* Returns whether there were any: the program was killed, or ran out of memory. */
static bool print_last_words(const struct last_words *w, const struct settings *s, const struct trace *t)
{
	struct trace_files f = trace_files_of(&s->parts, s->output, t->segments);
	bool printed = last_words_print(w, f.names, f.n);
	trace_files_clear(&f);
	return printed;
}

/* What a report about a child that was killed needs. */
struct child_report {
	const struct settings *settings;
	const struct trace *trace;
	struct last_words *words;
};

static void child_killed(void *arg, pid_t pid)
{
	struct child_report *r = arg;
	struct trace_files f = trace_files_of(&r->settings->parts, r->settings->output, r->trace->segments);
	last_words_of_child(r->words, pid, f.names, f.n);
	trace_files_clear(&f);
}

/* What was recorded, or why nothing was. */
static void report(const struct collector *c, const struct settings *s, const struct trace *t, uint64_t bytes,
		   int failed)
{
	const char *unfit = c->n_recorded == 0 && !s->n_pids ? launch_unfit(s->argv[0]) : NULL;
	if (unfit)
		warn("nothing was recorded: %s: %s", s->argv[0], unfit);
	else if (c->n_recorded == 0 && !s->awaits && !collector_has_said_why(c))
		warn("nothing was recorded: %s did not load the agent (is it static, or set-user-ID?)", s->argv[0]);
	else if (t->segments && c->n_recorded > 0 && !segments_begun(t->segments))
		warn("nothing was recorded: --begin-at %s was never reached", s->parts.begin_text);
	else if (c->n_recorded > 0 && is_talkative(s))
		closing_line(&c->output, s, bytes, stopped(&c->output, t, failed));
}

int main(int argc, char **argv)
{
	xmalloc_map_large();
	launch_open_standard();
	struct settings s = { 0 };
	read_options(&s, argc, argv);
	if (attaches(&s) && s.n_pids == 1)	/* of several, some may be refused */
		inject_examine(s.pid, s.ignore_seccomp);
	check_oom_report(&s);
	int error = s.pid ? 0 : advice_error(s.argv[0]);
	if (error)
		return not_executed(&s, error);
	struct destination d = open_output(&s);
	struct trace t;
	make_trace(&t, &s, &d, argv);
	record_fn *record = s.awaits ? record_awaited : s.pid ? record_attached : record_launched;

	launch_raise_limit();
	launch_prepare_signals();
	struct collector c;
	open_collector(&c, &s, &t);
	bool began;
	struct last_words words = { 0 };
	struct child_report children = { &s, &t, &words };
	c.killed = child_killed;
	c.killed_arg = &children;
	int status = record(&c, &s, &d, &words, &began);
	if (!began) {
		discard(&d);
		return status;
	}
	uint64_t bytes;
	int failed = end_trace(&t, &c.output, &bytes);
	last_words_wait(&words);
	words.page = s.oom_report;
	if (c.n_recorded == 0 || failed || !print_last_words(&words, &s, &t))
		report(&c, &s, &t, bytes, failed);
	if (t.segments && !segments_begun(t.segments))
		discard(&d);
	if (s.awaits)
		await_end();
	last_words_clear(&words);
	segments_free(t.segments);
	source_files_free(c.output.sources);
	mt_header_free(t.header);
	return failed && status == 0 ? EXIT_OURS : status;
}
