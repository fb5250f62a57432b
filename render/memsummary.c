/*
 * memsummary.c - show how much memory each function holds, alone and with its callees
 *
 * In:    a trace (stdin or files)
 * Out:   a table with a row for each function of a file, or JSON
 * Keeps: the live set, the stacks
 * Source: the columns and their meaning are memray's
 *        (reporters/tui.py, aggregate_allocations): a function that calls
 *        itself counts once; a caller's amounts include its callees'.
 *        memray stops at 95 % of the bytes; here every row is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "error.h"
#include "fit.h"
#include "report.h"
#include "tally.h"
#include "tool.h"
#include "units.h"
#include "view.h"
#include "xmalloc.h"

enum { KEY_JSON = 256 };

static const struct tool_option options[] = {
	{ "sort", 's', "COLUMN", "sort by total (1 or 2, the default), own (3 or 4) or count (5)" },
	{ "rows", 'r', "N", "show N rows (default: all in a pipe, as many as fit on a terminal)" },
	{ "leaks", 'l', NULL, "report memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	{ "every", 'e', "TIME", "report what is live after each TIME of the trace, while it is recorded" },
	VIEW_OPTION_IMPORTS,
	VIEW_OPTION_PYTHON,
	VIEW_OPTION_BY,
	{ "json", KEY_JSON, NULL, "print one JSON object instead of a table" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memsummary",
	.summary = "show how much memory each function holds, alone and with its callees",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memtemp | memsummary",
	.options = options,
};

/* A function of a file, with all its lines. */
struct location {
	const char *function, *place;
	const struct function *first;	/* of the trace's functions with this name and place */
	uint64_t own, total, count;
};

struct locations {
	struct location *at;
	uint32_t n;
	uint32_t *of_function;
};

enum column { BY_TOTAL = 1, BY_OWN = 3, BY_COUNT = 5 };

/* ---------------------------------------------------------------- counting */

static int by_name(const void *a, const void *b, void *stacks)
{
	const struct function *f = stacks_function(stacks, *(const uint32_t *)a);
	const struct function *g = stacks_function(stacks, *(const uint32_t *)b);
	int r = strcmp(f->name, g->name);

	return r ? r : strcmp(function_place(f), function_place(g));
}

/* Returns whether it is not a function, but a label, or a file or package (view.h): then nothing of it is unknown. */
static bool has_no_place(const struct function *f)
{
	return function_is_label(f) || (*f->name && !f->lang && !*function_place(f));
}

/* Numbers the locations: functions of one name and file are one location. */
static struct locations find_locations(struct stacks *s)
{
	uint32_t n = stacks_function_count(s);
	uint32_t *order = xcalloc(n, sizeof *order);
	struct locations l = {
		.at = xcalloc(n, sizeof *l.at),
		.of_function = xcalloc(n, sizeof *l.of_function),
	};

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof *order, by_name, s);
	for (uint32_t i = 0; i < n; i++) {
		const struct function *f = stacks_function(s, order[i]);
		if (i == 0 || by_name(&order[i - 1], &order[i], s) != 0)
			l.at[l.n++] = (struct location){
				.function = *f->name ? f->name : "[unknown]",
				.place = has_no_place(f) || *function_place(f) ? function_place(f) : "[unknown]",
				.first = f,
			};
		l.of_function[order[i]] = l.n - 1;
	}
	free(order);
	return l;
}

static struct location *location_of(const struct locations *l, const struct tally *t, uint32_t stack)
{
	uint32_t frame = stacks_stack(t->stacks, stack)->frame;

	return &l->at[l->of_function[stacks_frame(t->stacks, frame)->function]];
}

/* Returns the amount of each stack including its descendants. Parents have smaller numbers. */
static struct amount *sum_subtrees(const struct tally *t)
{
	struct amount *sum = xcalloc(t->n, sizeof *sum);

	memcpy(sum, t->at, t->n * sizeof *sum);
	for (uint32_t i = t->n - 1; i > 0; i--) {
		struct amount *parent = &sum[stacks_stack(t->stacks, i)->parent];
		if (stacks_stack(t->stacks, i)->parent == 0)
			continue;	/* 0 is not a root, but the allocations without a stack */
		parent->bytes += sum[i].bytes;
		parent->count += sum[i].count;
	}
	return sum;
}

/* The children of each stack as linked lists; those of 0 are the outermost frames. */
struct tree {
	uint32_t *child, *sibling;
};

static struct tree make_tree(const struct tally *t)
{
	struct tree tree = {
		.child = xcalloc(t->n, sizeof *tree.child),
		.sibling = xcalloc(t->n, sizeof *tree.sibling),
	};

	for (uint32_t i = t->n - 1; i > 0; i--) {
		uint32_t parent = stacks_stack(t->stacks, i)->parent;
		tree.sibling[i] = tree.child[parent];
		tree.child[parent] = i;
	}
	return tree;
}

/* Walks the tree, and adds each subtree's sum to its location, unless the location also calls it from above. */
static void sum_totals(struct locations *l, const struct tally *t)
{
	struct amount *sum = sum_subtrees(t);
	struct tree tree = make_tree(t);
	uint32_t *entered = xcalloc(l->n, sizeof *entered);	/* how often each location is on the current path */
	uint32_t at = tree.child[0];

	while (at) {
		struct location *here = location_of(l, t, at);
		if (entered[here - l->at]++ == 0) {
			here->total += sum[at].bytes;
			here->count += sum[at].count;
		}
		if (tree.child[at]) {
			at = tree.child[at];
			continue;
		}
		for (;; at = stacks_stack(t->stacks, at)->parent) {
			entered[location_of(l, t, at) - l->at]--;
			if (tree.sibling[at] || !stacks_stack(t->stacks, at)->parent)
				break;
		}
		at = tree.sibling[at];
	}
	free(sum);
	free(tree.child);
	free(tree.sibling);
	free(entered);
}

static struct locations count(const struct tally *t)
{
	struct locations l = find_locations(t->stacks);
	struct location *unknown = location_of(&l, t, 0);

	sum_totals(&l, t);
	for (uint32_t i = 1; i < t->n; i++)
		location_of(&l, t, i)->own += t->at[i].bytes;
	unknown->own += t->at[0].bytes;
	unknown->total += t->at[0].bytes;
	unknown->count += t->at[0].count;
	return l;
}

/* ---------------------------------------------------------------- order */

static uint64_t key_of(const struct location *l, enum column column)
{
	return column == BY_OWN ? l->own : column == BY_COUNT ? l->count : l->total;
}

static int by_column(const void *a, const void *b, void *column)
{
	const struct location *l = a, *m = b;
	uint64_t x = key_of(l, *(enum column *)column), y = key_of(m, *(enum column *)column);
	int r = (x < y) - (x > y);

	r = r ? r : (l->own < m->own) - (l->own > m->own);
	r = r ? r : strcmp(l->function, m->function);
	return r ? r : strcmp(l->place, m->place);
}

/* Drops locations without memory and sorts the others, the largest first. */
static void sort(struct locations *l, enum column column)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->at[i].count || l->at[i].total)
			l->at[n++] = l->at[i];
	l->n = n;
	qsort_r(l->at, n, sizeof *l->at, by_column, &column);
}

/* ---------------------------------------------------------------- table */

struct layout {
	bool terminal;			/* longer locations are cut, and headings are short */
	int location, total, own, count;	/* widths of columns */
};

#define PERCENT_COLUMNS (2 * 9)	/* width of both columns of percentages in print_row() */

/* Returns the heading of a column: in <> if the rows are in its order. */
static const char *heading(const struct layout *y, enum column column, enum column order)
{
	static const char *const names[][2][2] = {
		[BY_TOTAL] = { { "Total Memory", "<Total Memory>" }, { "Total", "<Total>" } },
		[BY_OWN] = { { "Own Memory", "<Own Memory>" }, { "Own", "<Own>" } },
		[BY_COUNT] = { { "Allocation Count", "<Allocation Count>" }, { "Count", "<Count>" } },
	};
	return names[column][y->terminal][column == order];
}

static void print_cell(double share, int width, const char *text)
{
	fputs("  ", stdout);
	fputs(report_colour(share), stdout);
	for (int n = (int)strlen(text); n < width; n++)
		putchar(' ');
	fputs(text, stdout);
	fputs(report_colour_end(share), stdout);
}

static void print_percent(double share)
{
	char text[32];

	snprintf(text, sizeof text, "%.2f%%", 100 * share);
	print_cell(share, 7, text);
}

/* Returns "function at file", the file of native code in brackets, or only the label; the caller frees it. */
static char *location_text(const struct location *l)
{
	char *function = tool_printable(l->function), *place = tool_printable(l->place);
	bool native = function_is_native(l->first);
	char *text = xmalloc(strlen(function) + sizeof " at []" + strlen(place)), *end = stpcpy(text, function);

	if (*place)
		stpcpy(stpcpy(stpcpy(end, native ? " at [" : " at "), place), native ? "]" : "");
	free(function);
	free(place);
	return text;
}

/* Prints a location, on a terminal cut to the column. */
static void print_location(const struct layout *y, const struct location *l)
{
	char *text = location_text(l);

	if (y->terminal) {
		char *whole = text;
		text = fit(whole, (size_t)y->location);
		free(whole);
	}
	fputs(text, stdout);
	for (size_t n = tool_columns(text); n < (size_t)y->location; n++)
		putchar(' ');
	free(text);
}

static void print_row(const struct layout *y, const struct location *l, struct amount all)
{
	char text[28];

	print_location(y, l);
	print_cell(report_share(l->total, all.bytes), y->total, size_text(l->total, text));
	print_percent(report_share(l->total, all.bytes));
	print_cell(report_share(l->own, all.bytes), y->own, size_text(l->own, text));
	print_percent(report_share(l->own, all.bytes));
	snprintf(text, sizeof text, "%llu", (unsigned long long)l->count);
	print_cell(report_share(l->count, all.count), y->count, text);
	putchar('\n');
}

static void print_head(const struct layout *y, enum column order)
{
	printf("%-*s  %*s%9s  %*s%9s  %*s\n", y->location, "Location", y->total, heading(y, BY_TOTAL, order),
	       y->terminal ? "%" : "Total %", y->own, heading(y, BY_OWN, order), y->terminal ? "%" : "Own %",
	       y->count, heading(y, BY_COUNT, order));
}

/* C++ names can have a thousand characters: such rows are longer, but do not widen the column. */
#define WIDEST_LOCATION 100

static int longest_location(const struct locations *l, uint32_t rows)
{
	size_t longest = strlen("Location");

	for (uint32_t i = 0; i < rows; i++) {
		char *text = location_text(&l->at[i]);
		size_t n = tool_columns(text);
		longest = n > longest ? n : longest;
		free(text);
	}
	return (int)(longest < WIDEST_LOCATION ? longest : WIDEST_LOCATION);
}

static int wider(int width, const char *text)
{
	return width > (int)strlen(text) ? width : (int)strlen(text);
}

/* In a pipe (no columns) numbers have a fixed width; on a terminal as little as they need, and locations the rest. */
static struct layout layout(const struct locations *l, uint32_t rows, enum column order, unsigned columns)
{
	struct layout y = { columns > 0, longest_location(l, rows), 14, 12, 18 };
	char text[28];

	if (!y.terminal)
		return y;
	y.total = wider(0, heading(&y, BY_TOTAL, order));
	y.own = wider(0, heading(&y, BY_OWN, order));
	y.count = wider(0, heading(&y, BY_COUNT, order));
	for (uint32_t i = 0; i < rows; i++) {
		y.total = wider(y.total, size_text(l->at[i].total, text));
		y.own = wider(y.own, size_text(l->at[i].own, text));
		snprintf(text, sizeof text, "%llu", (unsigned long long)l->at[i].count);
		y.count = wider(y.count, text);
	}
	int others = PERCENT_COLUMNS + 3 * 2 + y.total + y.own + y.count;
	if (y.location > (int)columns - others - 1)
		y.location = (int)columns > others + 21 ? (int)columns - others - 1 : 20;
	return y;
}

static void print_totals(const struct tally *t, const struct locations *l)
{
	char rows[28], *total = report_total(t);

	printf("Total: %s at %s location%s\n", total, count_text(l->n, rows), l->n == 1 ? "" : "s");
	free(total);
}

static void print_table(const struct tally *t, const struct locations *l, enum column column, uint64_t max_rows)
{
	unsigned lines, columns;
	bool terminal = tool_terminal(&lines, &columns);

	if (terminal && !max_rows)
		max_rows = lines > 15 ? lines - 5 : 10;
	uint32_t rows = max_rows && max_rows < l->n ? (uint32_t)max_rows : l->n;
	struct layout y = layout(l, rows, column, terminal ? columns : 0);

	report_title(t);
	print_head(&y, column);
	for (uint32_t i = 0; i < rows; i++)
		print_row(&y, &l->at[i], t->total);
	if (terminal && rows < l->n)
		printf("%u more rows (-r %u shows all)\n", (unsigned)(l->n - rows), (unsigned)l->n);
	print_totals(t, l);
	report_arenas(stacks_arena_bytes(t->stacks, t->at, t->n));
}

/* ---------------------------------------------------------------- JSON */

static void print_json(const struct tally *t, const struct locations *l, uint64_t max_rows)
{
	uint32_t rows = max_rows && max_rows < l->n ? (uint32_t)max_rows : l->n;

	report_json_head(t);
	printf(",\"total_locations\":%u,\"locations\":[", (unsigned)l->n);
	for (uint32_t i = 0; i < rows; i++) {
		const struct location *at = &l->at[i];
		fputs(i ? ",\n{" : "\n{", stdout);
		report_json_text("function", at->function);
		putchar(',');
		report_json_text("file", at->place);
		printf(",\"language\":\"%s\",\"total_bytes\":%llu,\"own_bytes\":%llu,\"allocations\":%llu}",
		       function_language(at->first), (unsigned long long)at->total, (unsigned long long)at->own,
		       (unsigned long long)at->count);
	}
	puts("]}");
}

static enum column parse_column(const char *text)
{
	static const struct {
		const char *name;
		enum column column;
	} names[] = {
		{ "1", BY_TOTAL }, { "2", BY_TOTAL }, { "total", BY_TOTAL }, { "3", BY_OWN },
		{ "4", BY_OWN }, { "own", BY_OWN }, { "5", BY_COUNT }, { "count", BY_COUNT },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i].name) == 0)
			return names[i].column;
	usage_die("--sort: '%s' is not total, own, count or 1 to 5", text);
}

struct choices {
	enum tally_what what;
	enum column column;
	uint64_t max_rows, every_ms;	/* every_ms 0: once, at the end */
	bool json;
	struct view view;
};

static void print(const struct tally *t, const struct choices *c)
{
	struct tally shown = view_make(&c->view, t);
	struct locations l = count(&shown);

	sort(&l, c->column);
	if (c->json)
		print_json(&shown, &l, c->max_rows);
	else
		print_table(&shown, &l, c->column, c->max_rows);
	free(l.at);
	free(l.of_function);
	view_clear(&shown, t);
}

static void see(void *choices, const struct tally *t)
{
	const struct choices *c = choices;

	print(t, c);
	if (!c->json)
		putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct choices c = { .what = TALLY_PEAK, .column = BY_TOTAL };

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 's':
			c.column = parse_column(optarg);
			break;
		case 'r':
			c.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX);
			break;
		case 'l':
			tally_choose(&c.what, TALLY_LEAKS);
			break;
		case 't':
			tally_choose(&c.what, TALLY_TOTAL);
			break;
		case 'e':
			c.every_ms = tool_time_ms(optarg, "--every", 1, INT64_MAX);
			break;
		case KEY_JSON:
			c.json = true;
			break;
		default:
			view_option(&c.view, key);
		}
	view_begin(&c.view, c.json);
	if (c.view.by == VIEW_TYPE)
		tally_choose_census(c.what);
	if (c.view.by == VIEW_TYPE && c.every_ms)
		usage_die("--by type reports what a census found alive: give it without --every");
	struct mt_in *in = tool_input(argc, argv);
	if (c.every_ms) {
		mt_in_follow(in);
		tally_watch(in, c.what, &(struct tally_by){ 0 }, &(struct tally_watch){ c.every_ms, see, &c });
		return tool_finish(in, NULL);
	}
	struct tally *t = c.view.by == VIEW_TYPE ? alive_read_stacks(in, ALIVE_ALONE, NULL) : tally_read(in, c.what);
	print(t, &c);
	tally_free(t);
	return tool_finish(in, NULL);
}
