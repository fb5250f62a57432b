/*
 * attach.c - records processes that are already running, until a signal, the time limit or their end
 *
 * With --follow-fork, children that are there already are attached to as well. A process's children are listed once its
 * own agent records: those that it makes later are followed by that agent, so none is missed.
 */
#include "attach.h"

#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent_file.h"
#include "collect/process.h"
#include "collect/procfs.h"
#include "error.h"
#include "rights.h"
#include "wire.h"
#include "xmalloc.h"

#define CHILDREN_NAMED 8
#define AT_ONCE 4		/* injectors, each with the highest priority it may have */
#define SETTLE_MS 500		/* after exec, before /proc is consulted */
#define PATIENCE_MS 30000	/* for the agent of an executed program to connect */

static void stop(int sig)
{
	collector_stop(sig);
}

/* ---------------------------------------------------------------- children */

static bool is_known(const struct attached *a, pid_t pid)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].pid == pid)
			return true;
	return false;
}

static void add(struct attached *a, struct collector *c, pid_t pid, bool found)
{
	if (is_known(a, pid))
		return;
	GROW(a->all, a->n, a->cap);
	a->all[a->n++] = (struct attachment){ .pid = pid, .found = found };
	admission_expect(&c->admission, pid, admission_owner(pid), true);
}

typedef void child_fn(struct attached *a, struct collector *c, pid_t child, void *arg);

/* Calls f for each child that the process has now, of all its threads. Where the kernel lists none, for none. */
static void each_child(struct attached *a, struct collector *c, pid_t pid, child_fn *f, void *arg)
{
	char *pattern = xasprintf("/proc/%d/task/*/children", (int)pid), text[65536];
	glob_t tasks = { 0 };
	int found = glob(pattern, 0, NULL, &tasks);
	for (size_t i = 0; found == 0 && i < tasks.gl_pathc; i++) {
		if (procfs_read(tasks.gl_pathv[i], text, sizeof text) <= 0)
			continue;
		for (char *rest = text, *word; (word = strtok_r(rest, " \n", &rest)) != NULL;)
			f(a, c, (pid_t)atoi(word), arg);
	}
	globfree(&tasks);
	free(pattern);
}

/* Those that were born after its agent began are recorded already, or will be. */
static void follow_child(struct attached *a, struct collector *c, pid_t child, void *arg)
{
	(void)arg;
	if (!collector_process(c, child))
		add(a, c, child, true);
}

struct missed {
	unsigned n;
	char *pids;		/* "12, 13" */
};

static void miss_child(struct attached *a, struct collector *c, pid_t child, void *arg)
{
	struct missed *m = arg;
	char *before = m->pids;
	(void)c;
	if (is_known(a, child) || m->n++ >= CHILDREN_NAMED)
		return;
	m->pids = xasprintf("%s%s%d", before, *before ? ", " : "", (int)child);
	free(before);
}

static void warn_of_children(struct attached *a, struct collector *c, pid_t pid)
{
	struct missed m = { .pids = xstrdup("") };
	each_child(a, c, pid, miss_child, &m);
	if (m.n)
		warn("process %d has %u child%s already, not recorded: %s%s; --follow-fork records them, too", (int)pid,
		     m.n, m.n == 1 ? "" : "ren", m.pids, m.n > CHILDREN_NAMED ? ", …" : "");
	free(m.pids);
}

/* ---------------------------------------------------------------- attaching */

/* Attaching needs our own rights. */
static void start(struct attached *a, struct attachment *t)
{
	if (a->lowered)
		rights_restore();
	a->injection.pid = t->pid;
	a->injection.found = t->found;
	t->injector = inject_start(&a->injection);
	if (a->lowered)
		a->lowered = rights_lower(a->recording.root);
	a->n_injecting++;
}

static void start_more(struct attached *a, const struct collector *c)
{
	for (; a->n_started < a->n && a->n_injecting < AT_ONCE; a->n_started++)
		if (!collector_process(c, a->all[a->n_started].pid))
			start(a, &a->all[a->n_started]);
}

/* The injector has ended: the agent records, or could not be loaded. */
static void take_outcome(struct attached *a, struct collector *c, size_t i, int status)
{
	struct attachment *t = &a->all[i];
	pid_t pid = t->pid;
	const struct process *p = collector_process(c, pid);
	t->injector = 0;
	a->n_injecting--;
	if (status != 0)
		return;
	a->n_begun++;
	t->attended = true;
	t->number = p ? p->number : 0;
	image_read(&t->image, pid);
	if (a->follow)
		each_child(a, c, pid, follow_child, NULL);	/* which moves `t` */
}

/* Every process is recorded, or was refused. */
static void begin(struct attached *a, struct collector *c)
{
	a->begun = true;
	a->begun_ms = c->output.now_ms;
	if (!a->n_begun)
		return;
	if (a->lowered)
		rights_give_up();
	const char *until = a->duration_ms ? "" : "; press Ctrl-C to stop";
	if (a->verbose && a->n_begun > 1)
		warn("recording %zu processes%s", a->n_begun, until);
	for (size_t i = 0; i < a->n && a->verbose && a->n_begun == 1; i++)
		if (a->all[i].attended)
			warn("recording process %d%s", (int)a->all[i].pid, until);
	for (size_t i = 0; i < a->n && !a->follow; i++)
		if (a->all[i].attended)
			warn_of_children(a, c, a->all[i].pid);
}

static bool begins(struct attached *a, struct collector *c)
{
	int status;
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].injector && waitpid(a->all[i].injector, &status, WNOHANG) == a->all[i].injector)
			take_outcome(a, c, i, status);
	start_more(a, c);
	if (a->n_injecting == 0)
		begin(a, c);
	return !a->begun;
}

/* ---------------------------------------------------------------- recording */

/* It executes another program, whose agent has not connected. If it cannot, that is reported. */
static void await_agent(struct attachment *t, struct collector *c)
{
	uint32_t waited_ms = c->output.now_ms - t->executed_ms;
	if (t->told || waited_ms < SETTLE_MS)
		return;
	const char *why = image_without_agent(t->pid, c->admission.address);
	if (!why && waited_ms > PATIENCE_MS)
		why = "its agent does not connect";
	if (!why)
		return;
	t->told = true;
	warn("process %d executed another program, which cannot be recorded: %s", (int)t->pid, why);
	if (c->follow_fork)	/* its descendants may have an agent */
		return;
	if (c->n_processes == 1)
		c->output.stopped = "stopped early, as it executed another program";
	collector_end_executed(c, t->pid);
}

/* An executed program is recorded too, as it is after a launch. It has no thread of the agent's. */
static void follow_exec(struct attachment *t, struct collector *c)
{
	struct process *p = collector_process(c, t->pid);
	if (!p)
		return;
	if (p->number != t->number) {		/* its agent has connected */
		t->attended = t->executed = t->told = false;
		t->number = p->number;
		image_read(&t->image, t->pid);
	} else if (t->executed) {
		await_agent(t, c);
	} else if (image_changed(&t->image, t->pid, c->output.now_ms)) {
		p->executed = t->executed = true;
		t->attended = false;
		t->executed_ms = c->output.now_ms;
	}
}

static void detach(struct attached *a, struct collector *c)
{
	pid_t *attended = xcalloc(a->n, sizeof *attended);
	size_t n = 0;
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].attended)
			attended[n++] = a->all[i].pid;
	collector_census(c, attended, n);
	collector_detach(c, attended, n);
	free(attended);
}

/* Returns why the recording ends before the process does, or NULL. */
static const char *stopped_by(const struct attached *a, const struct collector *c)
{
	if (collector_stopped())
		return collector_stopped() == SIGINT ? "stopped early by Ctrl-C" : "stopped early by a signal";
	return a->duration_ms && c->output.now_ms - a->begun_ms >= a->duration_ms ? "stopped at --duration" : NULL;
}

static bool over(struct recording *r, struct collector *c)
{
	struct attached *a = (struct attached *)r;
	collector_end_gone(c, 0);
	if (!a->begun && begins(a, c))
		return false;
	if (!a->n_begun)
		return true;
	for (size_t i = 0; i < a->n; i++)
		follow_exec(&a->all[i], c);
	const char *why = stopped_by(a, c);
	if (why || c->output.failed) {
		c->output.stopped = c->n_processes ? why : c->output.stopped;
		detach(a, c);
	}
	return c->n_processes == 0;
}

/* Returns whether all processes belong to one user: only then can we take on the rights of that user. */
static bool is_one_user(const struct attached *a)
{
	for (size_t i = 1; i < a->n; i++)
		if (admission_owner(a->all[i].pid) != admission_owner(a->all[0].pid))
			return false;
	return true;
}

void attach_begin(struct attached *a, struct collector *c, const struct attach *how)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF };
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &action, NULL);
	*a = (struct attached){ .recording = { how->pids[0], over }, .follow = how->flags & WIRE_FLAG_FOLLOW_FORK,
				.verbose = how->verbose, .duration_ms = how->duration_ms };
	for (size_t i = 0; i < how->n_pids; i++)
		add(a, c, how->pids[i], false);
	a->injection = (struct injection){ .agent = agent_file_name(), .address = c->admission.address,
					   .flags = how->flags, .examine = a->n > 1 || a->follow,
					   .ignore_filter = how->ignore_filter };
	a->injection.bytes = agent_file_bytes(&a->injection.size);
	start_more(a, c);
	a->lowered = !how->needs_rights && is_one_user(a) && rights_lower(how->pids[0]);
}

bool attach_end(struct attached *a)
{
	if (!a->n_begun && a->lowered)
		rights_restore();
	free(a->all);
	a->all = NULL;
	return a->n_begun > 0;
}
