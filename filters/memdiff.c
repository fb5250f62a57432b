/*
 * memdiff.c - show what grew and shrank between two traces, by stack
 *
 * In:    two traces, or two files of folded lines, or one of each; by type, one trace with two censuses
 * Out:   folded lines with two numbers, "stack before after" (the format of
 *        difffolded.pl, which flame graph programs read), after comments that name the inputs; on a terminal a table
 *        of changes; or Markdown; or JSON
 * Keeps: a tree of both inputs; while reading a trace, its live set and stacks
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fit.h"
#include "folded.h"
#include "json.h"
#include "memdiff/censuses.h"
#include "memdiff/limit.h"
#include "memdiff/markdown.h"
#include "memdiff/rows.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

enum { KEY_TABLE = 256, KEY_FOLDED, KEY_JSON, KEY_MARKDOWN };

static const struct tool_option options[] = {
	{ "count", 'c', NULL, "count allocations, not bytes" },
	{ "leaks", 'l', NULL, "compare memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "compare everything ever allocated, not the high-water mark" },
	{ "by", 'b', "WHAT", "show a trace's frames by line (the default), function, or file; or compare by type" },
	{ "folded", KEY_FOLDED, NULL, "print folded lines with two numbers, even on a terminal" },
	{ "table", KEY_TABLE, NULL,
	  "print a table of the locations that changed, largest change first, even into a pipe" },
	{ "stacks", 's', NULL, "print a row of the table for each whole stack, not each location" },
	{ "rows", 'r', "N", "show N rows of the table (default: all in a pipe, as many as fit on a terminal)" },
	{ "json", KEY_JSON, NULL, "print one JSON object" },
	{ "markdown", KEY_MARKDOWN, NULL, "print a table for a comment on a pull request, of the 10 largest changes" },
	{ "fail-if", 'f', "LIMIT", "exit with 3 if the total is over it: 'peak > +5%', 'leaks > 10MB'" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memdiff",
	.summary = "show what grew and shrank between two traces, by stack",
	.operands = "BEFORE [AFTER]",
	.example = "memdiff --table old.lz4 new.lz4",
	.options = options,
};

#define NUMBER_COLUMNS 42

static void print_row(const struct diff *d, const struct row *r, bool whole_stack, unsigned columns)
{
	char difference[CHANGE_TEXT], before[NUMBER_TEXT], after[NUMBER_TEXT];
	const char *colour = !tool_colour() ? "" : r->after > r->before ? "\033[31m" : "\033[32m";
	char *raw = whole_stack ? rows_stack(d->calls, r->node)
				: xstrdup(calltree_text(d->calls, calltree_call(d->calls, r->node)->label));
	char *stack = tool_printable(raw);

	free(raw);
	if (columns) {
		char *whole = stack;
		stack = fit(whole, columns > NUMBER_COLUMNS + 20 ? columns - NUMBER_COLUMNS : 20);
		free(whole);
	}
	printf("%s%14s%s %12s %12s  %s\n", colour, rows_change(d, r->before, r->after, difference),
	       *colour ? "\033[0m" : "", rows_number(d, r->before, before), rows_number(d, r->after, after), stack);
	free(stack);
}

static void print_printable(const char *text)
{
	char *shown = tool_printable(text);

	fputs(shown, stdout);
	free(shown);
}

/* "old.lz4 to new.lz4: alive at the high-water mark", or "old.lz4 (never freed) to new.lz4 (all allocations)" */
static void print_title(const struct side *before, const struct side *after)
{
	bool same = before->title && after->title && strcmp(before->title, after->title) == 0;
	const struct side *sides[] = { before, after };

	for (int i = 0; i < 2; i++) {
		fputs(i ? " to " : "", stdout);
		print_printable(sides[i]->name);
		if (sides[i]->title && !same) {
			fputs(" (", stdout);
			print_printable(sides[i]->title);
			putchar(')');
		}
	}
	if (same) {
		fputs(": ", stdout);
		print_printable(before->title);
	}
	putchar('\n');
}

static void print_totals(const struct diff *d, const struct row *rows, uint32_t n, const char *what)
{
	char difference[CHANGE_TEXT], before[NUMBER_TEXT], after[NUMBER_TEXT], up[NUMBER_TEXT], down[NUMBER_TEXT];
	uint64_t growth = 0, shrinkage = 0;

	for (uint32_t i = 0; i < n; i++)
		*(rows[i].after > rows[i].before ? &growth : &shrinkage) += rows_distance(&rows[i]);
	printf("Total: %s, from %s to %s\n%u %s%s changed: growth %s, shrinkage %s\n",
	       rows_change(d, d->before.total, d->after.total, difference), rows_number(d, d->before.total, before),
	       rows_number(d, d->after.total, after), n, what, n == 1 ? "" : "s", rows_number(d, growth, up),
	       rows_number(d, shrinkage, down));
}

static void print_table(const struct diff *d, uint64_t max_rows, bool whole_stacks)
{
	unsigned lines = 0, columns = 0;
	bool terminal = tool_terminal(&lines, &columns);
	struct rows all = whole_stacks ? rows_of_stacks(d) : rows_of_locations(d);
	uint32_t n = rows_sort(&all);

	if (terminal && !max_rows)
		max_rows = lines > 15 ? lines - 5 : 10;
	uint32_t rows = max_rows && max_rows < n ? (uint32_t)max_rows : n;
	print_title(&d->before, &d->after);
	printf("%14s %12s %12s  %s\n", "Change", "Before", "After",
	       d->types ? "Type" : whole_stacks ? "Stack" : "Location");
	for (uint32_t i = 0; i < rows; i++)
		print_row(d, &all.at[i], whole_stacks, columns);
	if (terminal && rows < n)
		printf("%u more rows (-r %u shows all)\n", n - rows, n);
	print_totals(d, all.at, n, rows_what(d, whole_stacks));
	free(all.at);
}

static void print_folded(const struct diff *d)
{
	folded_write_side(stdout, 0, d->before.name, d->before.title);
	folded_write_side(stdout, 1, d->after.name, d->after.title);
	folded_write(stdout, d->calls, true);
}

/* ---------------------------------------------------------------- JSON */

static void print_json_side(const char *key, const struct side *s)
{
	printf("\"%s\":{\"name\":", key);
	json_text(stdout, s->name, strlen(s->name));
	if (s->title) {
		fputs(",\"title\":", stdout);
		json_text(stdout, s->title, strlen(s->title));
	}
	printf(",\"total\":%" PRIu64 "},", s->total);
}

static void print_json(const struct diff *d)
{
	struct rows all = rows_of_stacks(d);
	uint32_t *path = NULL;
	size_t cap = 0;

	rows_sort(&all);
	putchar('{');
	print_json_side("before", &d->before);
	print_json_side("after", &d->after);
	printf("\"unit\":\"%s\",\"stacks\":[", d->count ? "allocations" : "bytes");
	for (uint32_t i = 0; i < all.n; i++) {
		const struct row *r = &all.at[i];
		printf("%s\n{\"before\":%" PRIu64 ",\"after\":%" PRIu64 ",\"change\":%s%" PRIu64 ",\"stack\":[",
		       i ? "," : "", r->before, r->after, r->after < r->before ? "-" : "", rows_distance(r));
		size_t depth = rows_path(d->calls, r->node, &path, &cap);
		for (size_t k = depth; k-- > 0; ) {
			const char *text = calltree_text(d->calls, calltree_call(d->calls, path[k])->label);
			json_text(stdout, text, strlen(text));
			fputs(k ? "," : "]}", stdout);
		}
	}
	puts("]}");
	free(path);
	free(all.at);
}

/* ---------------------------------------------------------------- options */

struct choices {
	struct side_options of;
	uint64_t max_rows;
	int format;
	bool whole_stacks, types;
	struct limits limits;
};

static struct choices parse(int argc, char **argv)
{
	struct choices c = { .of = { .what = TALLY_PEAK, .detail = STACKS_LINE } };
	unsigned lines, columns;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'c': c.of.count = true; break;
		case 'l': tally_choose(&c.of.what, TALLY_LEAKS); break;
		case 't': tally_choose(&c.of.what, TALLY_TOTAL); break;
		case 'b':
			c.types = strcmp(optarg, "type") == 0;
			c.of.detail = c.types ? STACKS_LINE : tool_detail(optarg, "--by");
			break;
		case 's': c.whole_stacks = true; break;
		case 'r': c.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		case 'f': limits_add(&c.limits, optarg); break;
		default:
			if (c.format && c.format != key)
				usage_die("give only one of --folded, --table, --markdown and --json");
			c.format = key;
		}
	if (c.format && c.format != KEY_TABLE && c.format != KEY_MARKDOWN && (c.whole_stacks || c.max_rows))
		usage_die("--stacks and --rows apply only to tables (--table, --markdown)");
	if (c.types)
		tally_choose_census(c.of.what);
	limits_check(&c.limits, c.of.what, c.types, c.of.count);
	if (!c.format)
		c.format = c.whole_stacks || c.max_rows || tool_terminal(&lines, &columns) ? KEY_TABLE : KEY_FOLDED;
	return c;
}

static int read_sides(struct diff *d, const struct choices *c, char **paths)
{
	if (c->types && !paths[1])
		return censuses_read(&d->after, &d->before, paths[0], d->calls, AFTER, c->of.count);
	if (c->types)
		return censuses_read(&d->before, NULL, paths[0], d->calls, BEFORE, c->of.count) |
		       censuses_read(&d->after, NULL, paths[1], d->calls, AFTER, c->of.count);
	return side_read(&d->before, paths[0], d->calls, BEFORE, &c->of) |
	       side_read(&d->after, paths[1], d->calls, AFTER, &c->of);
}

int main(int argc, char **argv)
{
	struct choices c = parse(argc, argv);
	struct diff d = { .calls = calltree_new(), .count = c.of.count, .types = c.types };

	if (argc - optind != 2 && !(c.types && argc - optind == 1))
		usage_die("give two operands: BEFORE and AFTER%s", c.types ? "; or one, with two censuses" : "");
	if (argc - optind == 2 && strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
		usage_die("only one operand can be standard input");
	int status = read_sides(&d, &c, argv + optind);
	if (c.format == KEY_FOLDED)
		print_folded(&d);
	else if (c.format == KEY_TABLE)
		print_table(&d, c.max_rows, c.whole_stacks);
	else if (c.format == KEY_MARKDOWN)
		markdown_print(&d, c.max_rows ? c.max_rows : 10, c.whole_stacks);
	else
		print_json(&d);
	bool over = limits_exceeded(&c.limits, &d);
	free(c.limits.at);
	calltree_free(d.calls);
	free(d.before.title);
	free(d.after.title);
	status |= tool_finish(NULL, NULL);
	return status ? status : over ? LIMIT_STATUS : 0;
}
