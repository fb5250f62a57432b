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

#include "error.h"
#include "growth_read.h"
#include "memgrow/print.h"
#include "provenance.h"
#include "span.h"
#include "tool.h"
#include "xmalloc.h"

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
	char *title = provenance_title(mt_in_header(in), "growth of live memory");
	char *command = xstrdup(mt_in_header(in)->command);
	bool sampled = mt_in_header(in)->sample_bytes > 0;

	struct grown_trace t = growth_read(in, c.by, c.every_ms);
	struct growth_window window = growth_window(t.growth);
	struct growth_report report = {
		.growth = t.growth, .origins = t.origins, .by = c.by, .title = title, .command = command,
		.window = window, .from = warm_intervals(&c.warm_up, &window), .max_rows = c.max_rows,
		.sampled = sampled, .error = t.error, .collections = t.collections,
	};
	if (c.format == KEY_CSV)
		growth_print_csv(&report);
	else if (c.format == KEY_JSON)
		growth_print_json(&report);
	else
		growth_print_table(&report);
	growth_read_clear(&t);
	free(title);
	free(command);
	return tool_finish(in, NULL);
}
