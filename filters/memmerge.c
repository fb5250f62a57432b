/*
 * memmerge.c - merge several traces into one, in order of time
 *
 * In:    traces (files, or standard input)
 * Out:   one trace with all events, ordered by the time of day
 * Keeps: the live set, and the stacks and lines of source code of each trace
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "census_rows.h"
#include "define.h"
#include "error.h"
#include "ids.h"
#include "live.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memmerge",
	.summary = "merge several traces into one, in order of time",
	.operands = "[TRACE...]",
	.example = "memmerge t.*.lz4 | memsummary",
	.options = options,
};

struct input {
	struct mt_in *in;
	struct mt_event next;
	bool more;			/* `next` is an event that has not been written yet */
	bool damaged;
	uint64_t shift_ms;		/* to be added to its times to get those of the merged trace */
	struct stacks *stacks;
	struct sources *sources;
	struct define define;
	struct live *live;		/* its ids; block.key: the id in the merged trace */
};

struct merge {
	struct input *inputs;
	size_t n;
	uint64_t start_ns;		/* the earliest */
	uint64_t end_ms;
	struct mt_out *out;
	struct ids ids;
	struct census_row row;		/* of a census, with the ids of the merged trace */
};

static struct mt_in *open_one(const char *path)
{
	char *why = NULL;
	tool_will_read(path);
	struct mt_in *in = mt_open(&path, 1, &why);
	if (!in)
		die("%s", why ? why : "out of memory");
	return in;
}

static void advance(struct input *i)
{
	int r = mt_next(i->in, &i->next);
	i->more = r > 0;
	i->damaged |= r < 0;
}

static uint64_t time_of(const struct input *i)
{
	return i->next.time_ms + i->shift_ms;
}

/* A trace without a start time is assumed to begin with the first one. */
static void set_clock(const struct merge *m, struct input *i)
{
	uint64_t start = mt_in_header(i->in)->start_ns;
	i->shift_ms = start > m->start_ns ? (start - m->start_ns) / 1000000 : 0;
}

static size_t open_all(struct merge *m, char **paths, size_t n)
{
	size_t first = 0;
	m->inputs = xcalloc(n, sizeof *m->inputs);
	m->n = n;
	for (size_t i = 0; i < n; i++) {
		m->inputs[i].in = open_one(paths[i]);
		uint64_t start = mt_in_header(m->inputs[i].in)->start_ns;
		if (start && (!m->start_ns || start < m->start_ns)) {
			m->start_ns = start;
			first = i;
		}
	}
	return first;
}

/* Holds the merged trace's ids of all blocks that are open in the inputs. */
static void hold(void *arg)
{
	struct merge *m = arg;
	struct block b;
	uint32_t id;

	for (size_t i = 0; i < m->n; i++)
		for (size_t cursor = 0; live_each(m->inputs[i].live, &cursor, &id, &b);)
			ids_hold(&m->ids, b.key);
}

static void begin(struct merge *m, size_t first, char **argv)
{
	struct stacks *known = stacks_new();
	m->out = tool_output(&tool, m->inputs[first].in, argv);
	census_row_init(&m->row);
	m->ids = (struct ids){ .holder = hold, .arg = m };
	for (size_t i = 0; i < m->n; i++) {
		struct input *in = &m->inputs[i];
		in->stacks = stacks_new();
		in->sources = sources_new();
		in->live = live_new();
		in->define = (struct define){ .out = m->out, .known = known, .from = in->stacks,
					      .sources = in->sources };
		set_clock(m, in);
		advance(in);
	}
}

/* Replaces ids and numbers with those of the merged trace. Returns false if the event's block is not open. */
static bool translate(struct merge *m, struct input *i, struct mt_event *ev)
{
	struct block b = { .size = ev->size, .weight = 1 };
	switch (ev->kind) {
	case MT_ALLOC:
		b = (struct block){ .size = ev->size, .weight = ev->weight, .key = ids_take(&m->ids) };
		live_open(i->live, ev->id, &b, NULL);
		ev->id = b.key;
		ev->stack = define_copy(&i->define, stacks_number(i->stacks, ev->stack));
		return true;
	case MT_FREE:
		if (!live_close(i->live, ev->id, &b))
			return false;
		ev->id = b.key;
		return true;
	case MT_RESIZE:
		if (!live_find(i->live, ev->id, &b))
			return false;
		ev->id = b.key;
		return true;
	case MT_BLOCKS:
		ev->info = census_row_renumber(&m->row, ev->info, i->live);
		return true;
	default:
		return true;
	}
}

static int take(struct merge *m, struct input *i)
{
	struct mt_event ev = i->next;
	ev.time_ms = time_of(i);
	if (ev.time_ms > m->end_ms)
		m->end_ms = ev.time_ms;
	switch (ev.kind) {
	case MT_FUNCTION:
	case MT_FRAME:
	case MT_STACK:
		stacks_take(i->stacks, &ev);
		return 0;
	case MT_SOURCE:
		sources_take(i->sources, &ev);
		return 0;
	case MT_HEADER:		/* joined files: another trace, from the same input */
		stacks_take(i->stacks, &ev);
		live_clear(i->live);
		set_clock(m, i);
		return 0;
	case MT_END:
		return 0;
	default:
		return translate(m, i, &ev) ? mt_put(m->out, &ev) : 0;
	}
}

/* Returns the input with the earliest next event (the first of equal ones), and until when it remains the earliest. */
static struct input *earliest(const struct merge *m, uint64_t *until)
{
	struct input *best = NULL;
	*until = UINT64_MAX;
	for (size_t i = 0; i < m->n; i++) {
		struct input *in = &m->inputs[i];
		if (!in->more)
			continue;
		if (!best) {
			best = in;
		} else if (time_of(in) < time_of(best)) {
			*until = time_of(best);
			best = in;
		} else if (time_of(in) < *until) {
			*until = time_of(in);
		}
	}
	return best;
}

static void run(struct merge *m)
{
	uint64_t until;
	struct input *i;
	while ((i = earliest(m, &until)) != NULL)
		do {
			if (take(m, i) < 0)
				return;
			advance(i);
		} while (i->more && time_of(i) <= until);
}

static bool all_whole(const struct merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->inputs[i].damaged)
			return false;
	return true;
}

/* All inputs share one table `known`. */
static void merge_clear(struct merge *m)
{
	stacks_free(m->inputs[0].define.known);
	for (size_t i = 0; i < m->n; i++) {
		define_clear(&m->inputs[i].define);
		stacks_free(m->inputs[i].stacks);
		sources_free(m->inputs[i].sources);
		live_free(m->inputs[i].live);
	}
	ids_clear(&m->ids);
	census_row_clear(&m->row);
	free(m->inputs);
}

int main(int argc, char **argv)
{
	struct merge m = { 0 };
	while (tool_getopt(&tool, argc, argv) != -1)
		;
	char *standard_input[] = { "-" };
	bool named = optind < argc;
	size_t first = open_all(&m, named ? argv + optind : standard_input, named ? (size_t)(argc - optind) : 1);
	begin(&m, first, argv);
	run(&m);
	struct mt_event end = { .kind = MT_END, .time_ms = m.end_ms };
	if (all_whole(&m))
		mt_put(m.out, &end);
	int status = 0;
	for (size_t i = 0; i < m.n; i++)
		status |= tool_finish(m.inputs[i].in, i + 1 == m.n ? m.out : NULL);
	merge_clear(&m);
	return status;
}
