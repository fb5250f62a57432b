/*
 * memage.c - keep allocations by how long they lived
 *
 * In:    a trace (stdin or files)
 * Out:   the trace with only the allocations that lived at least --min-age and
 *        at most --max-age, without their frees: each where it ended, with its
 *        own time and thread, and a new id. Those never freed lived until
 *        their process, or the trace, ended.
 * Keeps: the live set (open_blocks.h)
 */
#include "error.h"
#include "open_blocks.h"
#include "tool.h"

static const struct tool_option options[] = {
	{ "min-age", 'a', "TIME", "lived at least TIME (500ms, 2s, 1.5min, 1h)", .words = "at least %" },
	{ "max-age", 'A', "TIME", "lived at most TIME", .words = "at most %" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memage",
	.summary = "keep allocations by how long they lived",
	.title = "lived %",
	.answer = true,
	.operands = "[TRACE...]",
	.example = "memage --min-age 10s trace.lz4 | memtable",
	.options = options,
};

struct ages {
	struct open_blocks *open;
	uint64_t min_ms, max_ms;
	uint64_t now_ms;	/* the latest time so far */
	uint32_t last_id;	/* the last id written */
};

static bool is_asked(const struct ages *a, const struct mt_event *ended)
{
	uint64_t age_ms = a->now_ms > ended->time_ms ? a->now_ms - ended->time_ms : 0;

	return age_ms >= a->min_ms && age_ms <= a->max_ms;
}

/* Writes the allocations that end with this event, if they match. */
static int put_ended(struct ages *a, const struct mt_event *ev, struct mt_out *out)
{
	struct mt_event ended;

	for (size_t cursor = 0; open_blocks_take(a->open, ev, &cursor, &ended); ) {
		if (!is_asked(a, &ended))
			continue;
		ended.id = ++a->last_id;
		if (mt_put(out, &ended) < 0)
			return -1;
	}
	return 0;
}

static int take(struct ages *a, const struct mt_event *ev, struct mt_in *in, struct mt_out *out)
{
	if (ev->time_ms > a->now_ms)
		a->now_ms = ev->time_ms;
	if (put_ended(a, ev, out) < 0)
		return -1;
	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
	case MT_SKIPPED:	/* without frees, allocations in between have no meaning */
		return 0;
	case MT_HEADER:
		open_blocks_begin(a->open, mt_in_header(in));
		a->now_ms = a->last_id = 0;
		break;
	default:
		break;
	}
	return mt_put(out, ev);
}

int main(int argc, char **argv)
{
	struct ages a = { .max_ms = UINT64_MAX };

	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1; )
		if (c == 'a')
			a.min_ms = tool_time_ms(optarg, "--min-age", 0, UINT64_MAX);
		else
			a.max_ms = tool_time_ms(optarg, "--max-age", 0, UINT64_MAX);
	if (a.min_ms > a.max_ms)
		usage_die("--min-age is larger than --max-age: nothing can match");
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	struct mt_out *out = tool_output(&tool, in, argv);
	a.open = open_blocks_new();
	open_blocks_begin(a.open, mt_in_header(in));
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		if (take(&a, &ev, in, out) < 0)
			break;
	(void)put_ended(&a, &(struct mt_event){ .kind = MT_END }, out);	/* for a trace that was cut off */
	open_blocks_free(a.open);
	return tool_finish(in, out);
}
