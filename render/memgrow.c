/*
 * memgrow.c - show what grows: growth, rate and age of live memory by place, with a verdict
 *
 * In:    a trace (stdin or files)
 * Out:   a row for each line (function, package, process, span) that held memory, as text, CSV or JSON
 * Keeps: the live set (replay.h), samples and cohorts (growth.h), the stacks
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "error.h"
#include "growth.h"
#include "memgrow/print.h"
#include "origins.h"
#include "pids.h"
#include "provenance.h"
#include "replay.h"
#include "span.h"
#include "tool.h"
#include "xmalloc.h"

#define AUTOMATIC_INTERVALS 64
#define MOST_INTERVALS 1024

enum { KEY_CSV = 256, KEY_JSON };

static const struct tool_option options[] = {
	{ "by", 'b', "WHAT", "a row for each line (the default), function, package, process or span" },
	{ "every", 'e', "TIME", "length of an interval (default: 32 to 64 intervals in all)" },
	{ "warm-up", 'w', "TIME", "leave out the beginning: 30s, 2min, or a part of the whole (default: 10%)" },
	{ "rows", 'r', "N", "show N rows (default: all in a pipe, as many as fit on a terminal)" },
	{ "csv", KEY_CSV, NULL, "print comma-separated values instead of a table" },
	{ "json", KEY_JSON, NULL, "print one JSON object instead of a table" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memgrow",
	.summary = "show what grows: growth, rate and age of live memory by place, with a verdict",
	.operands = "[TRACE...]",
	.example = "memrec -p PID --duration 5min | memgrow",
	.options = options,
};

/* A process of the trace. */
struct inhabitant {
	uint32_t pid;
	bool ending;		/* its interpreter shuts down */
};

struct reading {
	struct growth *growth;
	struct origins *origins;
	struct stacks *stacks;
	struct replay replay;	/* its keys: cohorts */
	struct ending ending;
	struct inhabitant *processes;	/* those that have not ended */
	size_t n_processes, cap_processes;
	struct pids pids;		/* their places */
	size_t n_going_on;		/* those of them that are not ending */
	bool begun;
	uint64_t start_ns;		/* of the current trace */
	uint64_t offset_ms, last_ms;	/* offset_ms: added to this trace's times; last_ms: the current time, with it */
};

/* ---------------------------------------------------------------- processes */

static struct inhabitant *process_of(struct reading *r, uint32_t pid)
{
	uint32_t *n = pids_number(&r->pids, pid);
	if (*n != PIDS_NONE)
		return &r->processes[*n];
	GROW(r->processes, r->n_processes, r->cap_processes);
	*n = (uint32_t)r->n_processes++;
	r->processes[*n] = (struct inhabitant){ .pid = pid };
	r->n_going_on++;
	return &r->processes[*n];
}

/* The process begins to end: if it is the last one, its frees from now on mean nothing. */
static void begin_ending(struct reading *r, struct inhabitant *p)
{
	if (p->ending || r->replay.answer)
		return;
	growth_hold(r->growth);
	p->ending = true;
	r->n_going_on--;
}

static void end_process(struct reading *r, uint32_t pid)
{
	struct inhabitant *p = process_of(r, pid);
	struct share gone;

	begin_ending(r, p);
	for (size_t cursor = 0; replay_exit(&r->replay, pid, &cursor, &gone); )
		growth_sub(r->growth, gone.key, gone.amount);
	*pids_number(&r->pids, pid) = PIDS_NONE;
	*p = r->processes[--r->n_processes];	/* the last takes its place */
	if (p < &r->processes[r->n_processes])
		*pids_number(&r->pids, p->pid) = (uint32_t)(p - r->processes);
}

/* ---------------------------------------------------------------- events */

static void open_block(struct reading *r, const struct mt_event *ev)
{
	struct share old;

	r->begun = true;
	process_of(r, ev->pid);
	uint32_t cohort = growth_add(r->growth, origins_number(r->origins, ev), amount_of(ev->size, ev->weight),
				     ev->time_ms + r->offset_ms);
	if (replay_open(&r->replay, ev, cohort, &old))
		growth_sub(r->growth, old.key, old.amount);
}

/* Parts of one recording have the same start; any other trace continues in time where the previous one ended. */
static void begin_trace(struct reading *r, const struct mt_header *h)
{
	if (!h->start_ns || h->start_ns != r->start_ns)
		r->offset_ms = r->last_ms;
	r->start_ns = h->start_ns;
	r->n_processes = r->n_going_on = 0;
	pids_clear(&r->pids);
	if (r->begun && h->begin_ms)	/* blocks live before the file are live until its beginning */
		growth_reach(r->growth, h->begin_ms + r->offset_ms, false);
	replay_begin(&r->replay, h);
	ending_begin(&r->ending, h);
	growth_void(r->growth);
}

/*
 * Returns whether this event advances the course, which begins with the first allocation. A filter may pass on other
 * rows at times when it has no blocks: rows about processes, and if it answers (at the end), all other rows.
 */
static bool passes_time(const struct reading *r, const struct mt_event *ev)
{
	if (ev->kind == MT_ALLOC)
		return true;
	return (ev->kind == MT_FREE || ev->kind == MT_RESIZE || ev->kind == MT_RSS) && r->begun && !r->replay.answer;
}

static void take(struct reading *r, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;

	if (passes_time(r, ev)) {
		r->last_ms = mt_known_ms(mt_in_header(in), ev) + r->offset_ms;
		growth_reach(r->growth, r->last_ms, r->n_processes > 0 && r->n_going_on == 0);
	}
	stacks_take(r->stacks, ev);
	origins_take(r->origins, ev);
	switch (ev->kind) {
	case MT_ALLOC:
		open_block(r, ev);
		break;
	case MT_FREE:
		if (replay_close(&r->replay, ev->id, &gone))
			growth_sub(r->growth, gone.key, gone.amount);
		break;
	case MT_RESIZE:
		if (replay_resize(&r->replay, ev, &gone))
			growth_sub(r->growth, gone.key, gone.amount);
		break;
	case MT_PROCESS:
		if (ending_take(&r->ending, ev))
			begin_ending(r, process_of(r, ev->pid));
		else
			process_of(r, ev->pid);
		break;
	case MT_EXIT:
		ending_take(&r->ending, ev);
		end_process(r, ev->pid);
		break;
	case MT_HEADER:
		begin_trace(r, mt_in_header(in));
		break;
	default:
		break;
	}
}

static void read_all(struct reading *r, struct mt_in *in)
{
	struct mt_event ev;

	mt_in_memory_only(in);
	r->start_ns = mt_in_header(in)->start_ns;
	begin_trace(r, mt_in_header(in));
	while (mt_next(in, &ev) > 0)
		take(r, &ev, in);
	growth_end(r->growth);
}

static void clear(struct reading *r)
{
	growth_free(r->growth);
	origins_free(r->origins);
	stacks_free(r->stacks);
	replay_clear(&r->replay);
	ending_clear(&r->ending);
	free(r->processes);
	pids_clear(&r->pids);
}

/* ---------------------------------------------------------------- options */

struct choices {
	enum origins_by by;
	uint64_t every_ms;	/* 0: automatic */
	struct span warm_up;
	uint64_t max_rows;
	int format;
};

static struct choices parse(int argc, char **argv)
{
	struct choices c = { .by = ORIGINS_LINE, .warm_up = { .is_percent = true, .value = 10 } };

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'b': c.by = origins_parse(optarg, "--by"); break;
		case 'e': c.every_ms = tool_time_ms(optarg, "--every", 1, INT64_MAX); break;
		case 'w':
			if (!parse_span(optarg, &c.warm_up))
				usage_die("--warm-up: '%s' is not a time, such as 30s, 2min or 10%%", optarg);
			break;
		case 'r': c.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		default:
			if (c.format && c.format != key)
				usage_die("give only one of --csv and --json");
			c.format = key;
		}
	return c;
}

/* Returns the number of intervals that the warm-up covers. At least one is left. */
static uint32_t warm_intervals(const struct span *warm_up, const struct growth_window *w)
{
	uint64_t ms = span_ms(warm_up, w->end_ms - w->begin_ms);
	uint64_t n = ms / w->every_ms + (ms % w->every_ms != 0);

	return n < w->n ? (uint32_t)n : w->n ? w->n - 1 : 0;
}

int main(int argc, char **argv)
{
	struct choices c = parse(argc, argv);
	struct mt_in *in = tool_input(argc, argv);
	struct stacks *stacks = stacks_new();
	struct reading r = {
		.growth = growth_new(c.every_ms ? c.every_ms : 1, c.every_ms ? MOST_INTERVALS : AUTOMATIC_INTERVALS),
		.stacks = stacks,
		.origins = origins_new(c.by, stacks),
	};
	char *title = provenance_title(mt_in_header(in), "growth of live memory");
	char *command = xstrdup(mt_in_header(in)->command);

	read_all(&r, in);
	struct growth_window window = growth_window(r.growth);
	struct growth_report report = {
		.growth = r.growth, .origins = r.origins, .by = c.by, .title = title, .command = command,
		.window = window, .from = warm_intervals(&c.warm_up, &window), .max_rows = c.max_rows,
	};
	if (c.format == KEY_CSV)
		growth_print_csv(&report);
	else if (c.format == KEY_JSON)
		growth_print_json(&report);
	else
		growth_print_table(&report);
	clear(&r);
	free(title);
	free(command);
	return tool_finish(in, NULL);
}
