/*
 * last_words.c - what a program died of, if it was killed or ran out of memory
 *
 * The recorder does not know where live blocks come from, but the trace does: it is read once, as memgrow(1) reads it.
 */
#include "last_words.h"
#include "last_page.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "error.h"
#include "growth_read.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

#define PLACES 3
#define RECENT_MS 60000
#define NEAR(limit) ((limit) / 10 * 9)

void last_words_begin(struct last_words *w, pid_t pid, char *const *argv)
{
	char *name = tool_printable(argv && argv[0] ? argv[0] : "the program");
	char *script = tool_printable(argv && argv[0] && argv[1] && argv[1][0] != '-' ? argv[1] : "");

	*w = (struct last_words){ .pid = pid, .command = xasprintf("%s%s%s", name, *script ? " " : "", script) };
	w->folder = cgroup_of(pid);
	w->kills = cgroup_state(w->folder).kills;
	free(name);
	free(script);
}

void last_words_clear(struct last_words *w)
{
	free(w->command);
	free(w->folder);
}

/* ---------------------------------------------------------------- the lines */

/* Places, those first that have most. */
struct place {
	uint32_t origin;
	int64_t bytes;
};

static int by_bytes(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (x->origin > y->origin) - (x->origin < y->origin);
}

/* "8.000MB load at app.py:3; 1.000MB …", of the places that have most bytes, or gained most after interval `from`. */
static char *largest(const struct grown_trace *t, bool growth, uint32_t from)
{
	uint32_t n = growth_places(t->growth), kept = 0;
	struct place *places = xcalloc((size_t)n + 1, sizeof *places);
	char *text = xstrdup("");

	for (uint32_t i = 0; i < n; i++) {
		struct grown g = growth_of(t->growth, i, from);
		int64_t bytes = (int64_t)(growth ? g.now.bytes - g.before.bytes : g.now.bytes);
		if (bytes > 0)
			places[kept++] = (struct place){ i, bytes };
	}
	qsort(places, kept, sizeof *places, by_bytes);
	for (uint32_t i = 0; i < kept && i < PLACES; i++) {
		char size[SIZE_TEXT], *name = origins_text(t->origins, places[i].origin), *before = text;
		text = xasprintf("%s%s%s %s", before, *before ? "; " : "",
				 size_text((uint64_t)places[i].bytes, size), name);
		free(before);
		free(name);
	}
	free(places);
	return text;
}

/* The interval at whose end the last minute begins. */
static uint32_t recent(const struct growth_window *w)
{
	uint64_t length = w->end_ms - w->begin_ms;

	if (length <= RECENT_MS || w->n < 2)
		return 0;
	uint64_t from = (length - RECENT_MS) / w->every_ms;
	return from < w->n ? (uint32_t)from : w->n - 1;
}

static void print_places(const struct grown_trace *t)
{
	struct growth_window w = growth_window(t->growth);
	uint32_t from = recent(&w);
	char *live = largest(t, false, 0), *grown = largest(t, true, from), length[DURATION_TEXT];

	warn("live: %s", *live ? live : "nothing");
	warn("growth in the last %s: %s", duration_text(w.end_ms - w.begin_ms - from * w.every_ms, length),
	     *grown ? grown : "none");
	free(live);
	free(grown);
}

enum cause { NONE, NO_MEMORY, KILLED, FAILED };

static void print_cause(const char *command, pid_t pid, int status, enum cause cause)
{
	if (cause == NO_MEMORY)
		warn("%s (process %d) was killed by the kernel: no memory is left in its cgroup", command, (int)pid);
	else if (cause == KILLED)
		warn("%s (process %d) was killed by SIGKILL; who did it is not known (dmesg may tell)", command,
		     (int)pid);
	else
		warn("%s (process %d) failed with status %d near the limit of its memory", command, (int)pid,
		     WEXITSTATUS(status));
}

static void print_sizes(const struct cgroup_state *now, const struct grown_trace *t)
{
	char limit[SIZE_TEXT], rss[SIZE_TEXT], heap[SIZE_TEXT];
	const char *limited = now->limit == CGROUP_NO_LIMIT ? "none" : size_text(now->limit, limit);

	if (t)
		warn("limit %s; resident %s, live in the heap and mappings %s", limited, size_text(t->rss, rss),
		     size_text(growth_of_all(t->growth, 0).now.bytes, heap));
	else
		warn("limit %s", limited);
}

static void print_elsewhere(void)
{
	warn("where its memory was is in the trace, which went elsewhere: memgrow there; or record with -o FILE");
}

/* Returns the trace in those files, or NULL. */
static struct mt_in *open_trace(const char *const *files, size_t n)
{
	char *why = NULL;
	struct mt_in *in = n ? mt_open(files, n, &why) : NULL;

	free(why);
	return in;
}

/* Why it is worth five lines. */
static enum cause cause_of(const struct last_words *w, const struct cgroup_state *now)
{
	bool known = w->ended && w->status != -1;
	bool killed = known && WIFSIGNALED(w->status) && WTERMSIG(w->status) == SIGKILL;

	if (w->ended && now->kills > w->kills && (killed || !known))
		return NO_MEMORY;
	if (killed)
		return KILLED;
	bool failed = known && WIFEXITED(w->status) && WEXITSTATUS(w->status) != 0;
	return failed && now->limit != CGROUP_NO_LIMIT && now->most >= NEAR(now->limit) ? FAILED : NONE;
}

bool last_words_print(const struct last_words *w, const char *const *files, size_t n_files)
{
	struct cgroup_state now = cgroup_state(w->folder);
	enum cause cause = cause_of(w, &now);

	if (cause == NONE)
		return false;
	struct mt_in *in = open_trace(files, n_files);
	print_cause(w->command, w->pid, w->status, cause);
	if (!in) {
		print_sizes(&now, NULL);
		print_elsewhere();
		return true;
	}
	struct grown_trace t = growth_read(in, ORIGINS_LINE, 0);
	mt_close_in(in);
	print_sizes(&now, &t);
	print_places(&t);
	growth_read_clear(&t);
	char *name = tool_printable(files[n_files - 1]);
	if (w->page && last_page_write(files[n_files - 1], w->page)) {
		char *page = tool_printable(w->page);
		warn("next: memgrow %s, or open %s", name, page);
		free(page);
	} else {
		warn("next: memgrow %s, or memflame %s > out.html", name, name);
	}
	free(name);
	return true;
}

/* ---------------------------------------------------------------- a child */

static void print_of_child(const char *command, pid_t pid, enum cause cause, const struct cgroup_state *now,
			   const char *const *files, size_t n_files)
{
	struct mt_in *in = open_trace(files, n_files);

	if (!in) {
		print_cause(command, pid, 0, cause);
		print_sizes(now, NULL);
		print_elsewhere();
		return;
	}
	struct grown_trace t = growth_read_process(in, ORIGINS_LINE, (uint32_t)pid);
	char *own = tool_printable(t.command ? t.command : command), *name = tool_printable(files[n_files - 1]);

	mt_close_in(in);
	print_cause(own, pid, 0, cause);
	print_sizes(now, &t);
	print_places(&t);
	warn("next: memgrep --pid %d %s | memgrow; the others are still being recorded", (int)pid, name);
	growth_read_clear(&t);
	free(own);
	free(name);
}

/* Whether the last report is still being made. */
static bool is_reporting(struct last_words *w)
{
	if (w->reporter && waitpid(w->reporter, NULL, WNOHANG) != 0)	/* with -f, launch.c may have waited for it */
		w->reporter = 0;
	return w->reporter != 0;
}

void last_words_of_child(struct last_words *w, pid_t pid, const char *const *files, size_t n_files)
{
	struct cgroup_state now = cgroup_state(w->folder);
	enum cause cause = now.kills > w->kills ? NO_MEMORY : KILLED;

	w->kills = now.kills;
	pid_t reporter = is_reporting(w) ? -1 : fork();
	if (reporter < 0) {
		print_cause(w->command, pid, 0, cause);
		return;
	}
	if (reporter == 0) {
		print_of_child(w->command, pid, cause, &now, files, n_files);
		_exit(0);
	}
	w->reporter = reporter;
}

void last_words_wait(struct last_words *w)
{
	if (w->reporter)
		waitpid(w->reporter, NULL, 0);
	w->reporter = 0;
}
