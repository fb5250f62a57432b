/*
 * memdiff.c - show what grew and shrank between two traces, by stack
 *
 * In:    two traces, or two files of folded lines, or one of each
 * Out:   folded lines with two numbers, "stack before after" (the format of
 *        difffolded.pl, which flame graph programs read); on a terminal a table
 *        of changes; or JSON
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
#include "memdiff/sides.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

enum { KEY_TABLE = 256, KEY_FOLDED, KEY_JSON };

static const struct tool_option options[] = {
	{ "count", 'c', NULL, "count allocations, not bytes" },
	{ "leaks", 'l', NULL, "compare memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "compare everything ever allocated, not the high-water mark" },
	{ "by", 'b', "WHAT", "show a trace's frames by line (the default), function, or file" },
	{ "folded", KEY_FOLDED, NULL, "print folded lines with two numbers, even on a terminal" },
	{ "table", KEY_TABLE, NULL,
	  "print a table of the locations that changed, largest change first, even into a pipe" },
	{ "stacks", 's', NULL, "print a row of the table for each whole stack, not each location" },
	{ "rows", 'r', "N", "show N rows of the table (default: all in a pipe, as many as fit on a terminal)" },
	{ "json", KEY_JSON, NULL, "print one JSON object" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memdiff",
	.summary = "show what grew and shrank between two traces, by stack",
	.operands = "BEFORE AFTER",
	.example = "memdiff --table old.lz4 new.lz4",
	.options = options,
};

struct diff {
	struct calltree *calls;
	struct side before, after;
	bool count;
};

enum { BEFORE, AFTER };

/* ---------------------------------------------------------------- stacks as text */

/* Sets *path to a node and its callers, innermost first; returns their number. */
static size_t path_of(struct calltree *t, uint32_t node, uint32_t **path, size_t *cap)
{
	size_t n = 0;

	for (; node; node = calltree_call(t, node)->parent) {
		GROW(*path, n, *cap);
		(*path)[n++] = node;
	}
	return n;
}

/* Returns "outermost;…;innermost"; the caller frees it. */
static char *folded(struct calltree *t, uint32_t node)
{
	uint32_t *path = NULL;
	size_t cap = 0, n = path_of(t, node, &path, &cap), size = 0;

	for (size_t i = 0; i < n; i++)
		size += strlen(calltree_text(t, calltree_call(t, path[i])->label)) + 1;
	char *text = xmalloc(size + 1), *p = text;
	for (size_t i = n; i-- > 0; ) {
		p = stpcpy(p, calltree_text(t, calltree_call(t, path[i])->label));
		if (i)
			*p++ = ';';
	}
	free(path);
	return text;
}

/* ---------------------------------------------------------------- changes */

/* The amounts of a stack, or of a location: all stacks with one innermost call. */
struct row {
	uint32_t node;		/* the stack; for a location, the first one found */
	uint64_t before, after;
};

struct rows {
	struct row *at;
	uint32_t n;
};

static uint64_t distance(const struct row *r)
{
	return r->after > r->before ? r->after - r->before : r->before - r->after;
}

static int by_change(const void *a, const void *b)
{
	const struct row *p = a, *q = b;
	uint64_t x = distance(p), y = distance(q);

	return x != y ? (x < y) - (x > y) : (p->node > q->node) - (p->node < q->node);
}

static struct rows stacks_of(const struct diff *d)
{
	struct rows r = { .at = xcalloc(calltree_count(d->calls), sizeof *r.at) };

	for (uint32_t i = 1; i < calltree_count(d->calls); i++) {
		const struct call *c = calltree_call(d->calls, i);
		if (c->own[BEFORE] || c->own[AFTER])
			r.at[r.n++] = (struct row){ .node = i, .before = c->own[BEFORE], .after = c->own[AFTER] };
	}
	return r;
}

/* Merges stacks whose innermost calls have the same label into one row. */
static struct rows locations_of(const struct diff *d)
{
	struct rows stacks = stacks_of(d), r = { .at = xcalloc(stacks.n + 1, sizeof *r.at) };
	uint32_t *row_of = NULL;	/* by label: number + 1 */
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < stacks.n; i++) {
		uint32_t label = calltree_call(d->calls, stacks.at[i].node)->label;
		while (n <= label) {
			GROW(row_of, n, cap);
			row_of[n++] = 0;
		}
		if (!row_of[label]) {
			row_of[label] = ++r.n;
			r.at[r.n - 1].node = stacks.at[i].node;
		}
		r.at[row_of[label] - 1].before += stacks.at[i].before;
		r.at[row_of[label] - 1].after += stacks.at[i].after;
	}
	free(row_of);
	free(stacks.at);
	return r;
}

/* Sorts by change, the largest first; returns the number of rows that changed. */
static uint32_t sort_by_change(struct rows *r)
{
	uint32_t changed = 0;

	qsort(r->at, r->n, sizeof *r->at, by_change);
	while (changed < r->n && distance(&r->at[changed]))
		changed++;
	return changed;
}

#define NUMBER_TEXT 28		/* enough for count_text() and size_text() */
#define CHANGE_TEXT (NUMBER_TEXT + 1)

static const char *number(const struct diff *d, uint64_t value, char buf[NUMBER_TEXT])
{
	return d->count ? count_text(value, buf) : size_text(value, buf);
}

/* "+1.5kB", "-3B", "0". */
static const char *change(const struct diff *d, uint64_t before, uint64_t after, char buf[CHANGE_TEXT])
{
	bool grew = after > before;

	number(d, grew ? after - before : before - after, buf + 1);
	buf[0] = grew ? '+' : '-';
	return before == after ? buf + 1 : buf;
}

#define NUMBER_COLUMNS 42

static void print_row(const struct diff *d, const struct row *r, bool whole_stack, unsigned columns)
{
	char difference[CHANGE_TEXT], before[NUMBER_TEXT], after[NUMBER_TEXT];
	const char *colour = !tool_colour() ? "" : r->after > r->before ? "\033[31m" : "\033[32m";
	char *raw = whole_stack ? folded(d->calls, r->node)
				: xstrdup(calltree_text(d->calls, calltree_call(d->calls, r->node)->label));
	char *stack = tool_printable(raw);

	free(raw);
	if (columns) {
		char *whole = stack;
		stack = fit(whole, columns > NUMBER_COLUMNS + 20 ? columns - NUMBER_COLUMNS : 20);
		free(whole);
	}
	printf("%s%14s%s %12s %12s  %s\n", colour, change(d, r->before, r->after, difference),
	       *colour ? "\033[0m" : "", number(d, r->before, before), number(d, r->after, after), stack);
	free(stack);
}

/* "old.lz4 (alive at the high-water mark)" */
static void print_side(const struct side *s)
{
	char *name = tool_printable(s->name), *title = s->title ? tool_printable(s->title) : NULL;

	printf("%s", name);
	if (title)
		printf(" (%s)", title);
	free(name);
	free(title);
}

static void print_totals(const struct diff *d, const struct row *rows, uint32_t n, const char *what)
{
	char difference[CHANGE_TEXT], before[NUMBER_TEXT], after[NUMBER_TEXT], up[NUMBER_TEXT], down[NUMBER_TEXT];
	uint64_t growth = 0, shrinkage = 0;

	for (uint32_t i = 0; i < n; i++)
		*(rows[i].after > rows[i].before ? &growth : &shrinkage) += distance(&rows[i]);
	printf("Total: %s, from %s to %s; growth %s, shrinkage %s, %u %s%s changed\n",
	       change(d, d->before.total, d->after.total, difference), number(d, d->before.total, before),
	       number(d, d->after.total, after), number(d, growth, up), number(d, shrinkage, down), n, what,
	       n == 1 ? "" : "s");
}

static void print_table(const struct diff *d, uint64_t max_rows, bool whole_stacks)
{
	unsigned lines = 0, columns = 0;
	bool terminal = tool_terminal(&lines, &columns);
	struct rows all = whole_stacks ? stacks_of(d) : locations_of(d);
	uint32_t n = sort_by_change(&all);

	if (terminal && !max_rows)
		max_rows = lines > 15 ? lines - 5 : 10;
	uint32_t rows = max_rows && max_rows < n ? (uint32_t)max_rows : n;
	print_side(&d->before);
	fputs(" to ", stdout);
	print_side(&d->after);
	printf("\n%14s %12s %12s  %s\n", "Change", "Before", "After", whole_stacks ? "Stack" : "Location");
	for (uint32_t i = 0; i < rows; i++)
		print_row(d, &all.at[i], whole_stacks, columns);
	if (terminal && rows < n)
		printf("%u more rows (-r %u shows all)\n", n - rows, n);
	print_totals(d, all.at, n, whole_stacks ? "stack" : "location");
	free(all.at);
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
	struct rows all = stacks_of(d);
	uint32_t *path = NULL;
	size_t cap = 0;

	sort_by_change(&all);
	putchar('{');
	print_json_side("before", &d->before);
	print_json_side("after", &d->after);
	printf("\"unit\":\"%s\",\"stacks\":[", d->count ? "allocations" : "bytes");
	for (uint32_t i = 0; i < all.n; i++) {
		const struct row *r = &all.at[i];
		printf("%s\n{\"before\":%" PRIu64 ",\"after\":%" PRIu64 ",\"change\":%s%" PRIu64 ",\"stack\":[",
		       i ? "," : "", r->before, r->after, r->after < r->before ? "-" : "", distance(r));
		size_t depth = path_of(d->calls, r->node, &path, &cap);
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
	bool whole_stacks;
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
		case 'b': c.of.detail = tool_detail(optarg, "--by"); break;
		case 's': c.whole_stacks = true; break;
		case 'r': c.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		default:
			if (c.format && c.format != key)
				usage_die("give only one of --folded, --table and --json");
			c.format = key;
		}
	if (c.format && c.format != KEY_TABLE && (c.whole_stacks || c.max_rows))
		usage_die("--stacks and --rows apply only to the table (--table)");
	if (!c.format)
		c.format = c.whole_stacks || c.max_rows || tool_terminal(&lines, &columns) ? KEY_TABLE : KEY_FOLDED;
	return c;
}

int main(int argc, char **argv)
{
	struct choices c = parse(argc, argv);
	struct diff d = { .calls = calltree_new(), .count = c.of.count };

	if (argc - optind != 2)
		usage_die("give two operands: BEFORE and AFTER");
	if (strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
		usage_die("only one operand can be standard input");
	int status = side_read(&d.before, argv[optind], d.calls, BEFORE, &c.of);
	status |= side_read(&d.after, argv[optind + 1], d.calls, AFTER, &c.of);
	if (c.format == KEY_FOLDED)
		folded_write(stdout, d.calls, true);
	else if (c.format == KEY_TABLE)
		print_table(&d, c.max_rows, c.whole_stacks);
	else
		print_json(&d);
	calltree_free(d.calls);
	free(d.before.title);
	free(d.after.title);
	return status | tool_finish(NULL, NULL);
}
