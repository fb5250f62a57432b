/*
 * attach.c - records a process that is already running, until a signal, the time limit or the process's end
 */
#include "attach.h"

#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent_file.h"
#include "collect/procfs.h"
#include "error.h"
#include "inject/inject.h"
#include "rights.h"
#include "xmalloc.h"

#define CHILDREN_NAMED 8

static void stop(int sig)
{
	collector_stop(sig);
}

/* Those that the process has now, of all its threads. Where the kernel does not list them, there are none. */
static void find_children(struct attached *a)
{
	char *pattern = xasprintf("/proc/%d/task/*/children", (int)a->recording.root), text[4096];
	glob_t tasks = { 0 };
	int found = glob(pattern, 0, NULL, &tasks);
	a->children = xstrdup("");
	for (size_t i = 0; found == 0 && i < tasks.gl_pathc; i++) {
		ssize_t n = procfs_read(tasks.gl_pathv[i], text, sizeof text - 1);
		text[n > 0 ? n : 0] = '\0';
		for (char *rest = text, *pid; (pid = strtok_r(rest, " \n", &rest)) != NULL;) {
			char *before = a->children;
			if (a->n_children++ >= CHILDREN_NAMED)
				continue;
			a->children = xasprintf("%s%s%s", before, *before ? ", " : "", pid);
			free(before);
		}
	}
	globfree(&tasks);
	free(pattern);
}

/* --follow-fork records only those that are born from now on. */
static void warn_of_children(struct attached *a)
{
	if (a->n_children)
		warn("process %d has %u child%s already, not recorded: %s%s; record each with its own memrec -p",
		     (int)a->recording.root, a->n_children, a->n_children == 1 ? "" : "ren", a->children,
		     a->n_children > CHILDREN_NAMED ? ", …" : "");
	free(a->children);
	a->children = NULL;
}

/* The injector has ended: the agent records, or could not be loaded. */
static void begun(struct attached *a, const struct collector *c)
{
	a->injector = 0;
	a->begun_ms = c->output.now_ms;
	if (a->status != 0)
		return;
	a->attended = true;
	if (a->lowered)
		rights_give_up();
	image_read(&a->image, a->recording.root);
	if (a->verbose)
		warn("recording process %d%s", (int)a->recording.root, a->duration_ms ? "" : "; press Ctrl-C to stop");
	warn_of_children(a);
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
	uint32_t now_ms = c->output.now_ms;
	collector_end_gone(c, 0);
	if (a->injector && waitpid(a->injector, &a->status, WNOHANG) == a->injector)
		begun(a, c);
	if (a->injector || a->status != 0)
		return a->status != 0;
	if (image_changed(&a->image, r->root, now_ms)) {
		a->attended = false;
		if (!c->follow_fork) {	/* otherwise the new program has an agent, which replaced the old one */
			c->output.stopped = "stopped early, as it executed another program";
			collector_end_executed(c, r->root);
		}
	}
	const char *why = stopped_by(a, c);
	if (why || c->output.failed) {
		c->output.stopped = c->n_processes ? why : c->output.stopped;
		collector_detach(c, r->root, a->attended);
	}
	return c->n_processes == 0;
}

void attach_begin(struct attached *a, struct collector *c, const struct attach *how)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF };
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &action, NULL);
	*a = (struct attached){ .recording = { how->pid, over },
				.verbose = how->verbose, .duration_ms = how->duration_ms };
	admission_expect(&c->admission, how->pid, admission_owner(how->pid), true);
	find_children(a);
	struct injection injection = { how->pid, agent_file_name(), NULL, 0, c->admission.address, how->flags };
	injection.bytes = agent_file_bytes(&injection.size);
	a->injector = inject_start(&injection);
	a->lowered = !how->needs_rights && rights_lower(how->pid);
}

bool attach_end(const struct attached *a)
{
	if (a->status != 0 && a->lowered)
		rights_restore();
	return a->status == 0;
}
