/*
 * memtree.c - print the call tree of a trace
 *
 * In:    a trace (stdin or files)
 * Out:   a line for each call, callees indented below their caller, the biggest
 *        first; or JSON. A call is not indented below a caller that makes no other
 *        call and allocates nothing itself: its numbers are the caller's.
 * Keeps: the live set, the stacks, the tree; with --source the lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "calltree.h"
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
	{ "depth", 'd', "N", "show N levels below the top, all expanded" },
	{ "biggest", 'b', "N",
	  "show only calls that lead to the N biggest stacks (default: 200 on a terminal, all in a pipe)" },
	{ "path", 'p', NULL, "expand only the biggest path (the default on a terminal)" },
	{ "all", 'a', NULL, "expand everything (the default in a pipe)" },
	{ "leaks", 'l', NULL, "report memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	VIEW_OPTION_IMPORTS,
	VIEW_OPTION_PYTHON,
	VIEW_OPTION_BY,
	REPORT_OPTION_SOURCE,
	{ "json", KEY_JSON, NULL, "print one JSON object, with the calls in the order of the lines" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memtree",
	.summary = "print the call tree of a trace",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memtree --depth 5",
	.options = options,
};

struct choices {
	enum tally_what what;
	uint64_t depth, biggest;	/* 0 = no limit */
	bool path_only, json, source;
	struct view view;
};

/* How a node is shown. */
struct place {
	struct amount total;	/* including its descendants */
	uint32_t frame;		/* of the stacks: its function and line */
	uint32_t depth;		/* calls from the outermost: 1 = outermost */
	uint32_t level;		/* of indentation: the calls of a chain have the same one */
	uint32_t below;		/* number of descendants, shown or not */
	bool shown, open, last;	/* last: of its siblings */
	bool chained;		/* it continues its parent's chain, whose line is just above */
};

struct tree {
	const struct tally *tally;
	const struct sources *sources;	/* NULL: no source code is shown */
	struct calltree *calls;
	struct place *places;
	struct children children;
	uint32_t *walk;		/* n - 1 nodes */
	uint32_t n;
	struct amount left_out;	/* because of --biggest */
	uint32_t stacks_left_out;
};

enum { BYTES, COUNT };		/* indices of a call's own numbers */

/* ---------------------------------------------------------------- the tree */

static int by_bytes(const void *a, const void *b, void *tally)
{
	const struct tally *t = tally;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int r = (t->at[i].bytes < t->at[j].bytes) - (t->at[i].bytes > t->at[j].bytes);

	return r ? r : (i > j) - (i < j);
}

/* Returns the stacks with allocations, the biggest first. */
static uint32_t *sort_stacks(const struct tally *t, uint32_t *n)
{
	uint32_t *sorted = xcalloc((size_t)t->n + 1, sizeof *sorted);

	*n = 0;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->at[i].count)
			sorted[(*n)++] = i;
	qsort_r(sorted, *n, sizeof *sorted, by_bytes, (void *)t);
	return sorted;
}

static void add_stacks(struct tree *t, uint64_t biggest)
{
	uint32_t n, *sorted = sort_stacks(t->tally, &n);
	uint32_t *nodes = calltree_add_stacks(t->calls, t->tally->stacks, STACKS_LINE, NULL);

	t->n = calltree_count(t->calls);
	t->places = xcalloc(t->n, sizeof *t->places);
	for (uint32_t i = 0; i < t->tally->n; i++)
		t->places[nodes[i]].frame = stacks_stack(t->tally->stacks, i)->frame;
	for (uint32_t i = 0; i < n; i++) {
		struct amount held = t->tally->at[sorted[i]];
		struct call *call = calltree_call(t->calls, nodes[sorted[i]]);
		call->own[BYTES] += held.bytes;
		call->own[COUNT] += held.count;
		if (biggest == 0 || i < biggest) {
			t->places[nodes[sorted[i]]].shown = true;
			continue;
		}
		t->left_out.bytes += held.bytes;
		t->left_out.count += held.count;
		t->stacks_left_out++;
	}
	free(sorted);
	free(nodes);
}

/* From the leaves up: computes totals, and shows the callers of shown nodes. Parents have smaller numbers. */
static void sum_up(struct tree *t)
{
	for (uint32_t i = t->n; i-- > 0; ) {
		const struct call *call = calltree_call(t->calls, i);
		struct place *p = &t->places[i], *parent = &t->places[call->parent];
		p->total.bytes += call->own[BYTES];
		p->total.count += call->own[COUNT];
		if (i == 0)
			break;
		parent->total.bytes += p->total.bytes;
		parent->total.count += p->total.count;
		parent->shown = parent->shown || p->shown;
		if (p->total.count)
			parent->below += 1 + p->below;
	}
}

static int by_total(uint32_t a, uint32_t b, void *tree)
{
	const struct tree *t = tree;
	const struct place *p = &t->places[a], *q = &t->places[b];
	int r = (p->total.bytes < q->total.bytes) - (p->total.bytes > q->total.bytes);

	r = r ? r : (p->total.count < q->total.count) - (p->total.count > q->total.count);
	return r ? r : strcmp(calltree_text(t->calls, calltree_call(t->calls, a)->label),
			      calltree_text(t->calls, calltree_call(t->calls, b)->label));
}

/* Returns the number of a node's shown children, and the last of them. */
static uint32_t count_shown(const struct tree *t, uint32_t node, uint32_t *last)
{
	uint32_t n = 0;

	*last = 0;
	for (uint32_t i = t->children.first[node]; i < t->children.first[node + 1]; i++)
		if (t->places[t->children.order[i]].shown) {
			*last = t->children.order[i];
			n++;
		}
	return n;
}

/* From the top down: sets levels and chains, opens nodes, and hides the descendants of closed ones. */
static void lay_out(struct tree *t, const struct choices *c)
{
	t->places[0].open = true;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t node = i ? t->walk[i - 1] : 0;
		const struct place *above = &t->places[node];
		uint32_t last, n = count_shown(t, node, &last);
		bool chain = node && n == 1 && calltree_call(t->calls, node)->own[COUNT] == 0;
		for (uint32_t k = t->children.first[node]; k < t->children.first[node + 1]; k++) {
			struct place *p = &t->places[t->children.order[k]];
			p->depth = above->depth + 1;
			p->chained = chain;
			p->level = above->level + !chain;
			p->last = chain ? above->last : t->children.order[k] == last;
			p->shown = p->shown && above->open && above->shown && (!c->depth || p->level <= c->depth);
			p->open = !c->path_only || (above->open && k == t->children.first[node]);
		}
	}
}

static struct tree make_tree(const struct tally *tally, const struct sources *sources, const struct choices *c)
{
	struct tree t = { .tally = tally, .sources = sources, .calls = calltree_new() };

	add_stacks(&t, c->biggest);
	sum_up(&t);
	t.children = calltree_children(t.calls, by_total, &t);
	t.walk = calltree_walk(t.calls, &t.children);
	t.places[0].shown = true;
	lay_out(&t, c);
	return t;
}

static void tree_clear(struct tree *t)
{
	calltree_free(t->calls);
	free(t->places);
	free(t->children.first);
	free(t->children.order);
	free(t->walk);
}

/* ---------------------------------------------------------------- text */

/* The levels above the current line that continue below it. */
struct guides {
	bool *goes_on;
	size_t n, cap;
};

/* Returns the branches before a line's text; the caller frees them. */
static char *branches(struct guides *g, const struct place *p)
{
	size_t level = p->level;

	while (g->n <= level) {
		GROW(g->goes_on, g->n, g->cap);
		g->goes_on[g->n++] = false;
	}
	g->goes_on[level] = !p->last;
	char *text = xmalloc(level * strlen("├─ ") + 1), *q = text;
	for (size_t i = 1; i <= level; i++) {
		bool here = i == level && !p->chained;
		q = stpcpy(q, here ? (p->last ? "└─ " : "├─ ") : g->goes_on[i] ? "│  " : "   ");
	}
	*q = '\0';
	return text;
}

static void print_numbers(const struct tree *t, struct amount held)
{
	char size[SIZE_TEXT], count[28];
	double share = report_share(held.bytes, t->tally->total.bytes);

	printf("%s%7.2f%%%s %11s %13s  ", report_colour(share), 100 * share, report_colour_end(share),
	       size_text(held.bytes, size), count_text(held.count, count));
}

#define NUMBER_COLUMNS 36

/* Returns whether no descendant of the node has a line. */
static bool is_closed(const struct tree *t, uint32_t node)
{
	uint32_t last;

	return count_shown(t, node, &last) == 0;
}

static void print_call(const struct tree *t, uint32_t node, struct guides *g, unsigned columns)
{
	const struct place *p = &t->places[node];
	char *branch = branches(g, p);
	char *label = tool_printable(calltree_text(t->calls, calltree_call(t->calls, node)->label));
	char *more = p->below && is_closed(t, node) ? xasprintf("  [+%u]", p->below) : xstrdup("");

	if (p->chained)
		printf("%*s", NUMBER_COLUMNS, "");
	else
		print_numbers(t, p->total);
	if (columns) {
		size_t used = NUMBER_COLUMNS + tool_columns(branch) + tool_columns(more);
		char *whole = label;
		label = fit(whole, columns > used + 20 ? columns - used : 20);
		free(whole);
	}
	printf("%s%s%s", branch, label, more);
	const struct frame *f = stacks_frame(t->tally->stacks, p->frame);
	report_source_after(t->sources, stacks_function(t->tally->stacks, f->function)->file, f->line, columns,
			    NUMBER_COLUMNS + tool_columns(branch) + tool_columns(label) + tool_columns(more));
	putchar('\n');
	free(branch);
	free(label);
	free(more);
}

static void print_tree(const struct tree *t, unsigned columns)
{
	struct guides g = { 0 };
	char size[SIZE_TEXT], count[28];

	report_title(t->tally);
	printf("%8s %11s %13s  %s\n", "Percent", "Size", "Allocations", "Call");
	print_numbers(t, t->tally->total);
	puts("[total]");
	for (uint32_t i = 0; i + 1 < t->n; i++)
		if (t->places[t->walk[i]].shown)
			print_call(t, t->walk[i], &g, columns);
	if (t->stacks_left_out)
		printf("Left out: %s in %s allocation%s on %u stack%s, not among the biggest (--biggest)\n",
		       size_text(t->left_out.bytes, size), count_text(t->left_out.count, count),
		       t->left_out.count == 1 ? "" : "s", t->stacks_left_out, t->stacks_left_out == 1 ? "" : "s");
	if (t->tally->sample_bytes) {
		char *total = report_total(t->tally);
		printf("Total: %s\n", total);
		free(total);
	}
	report_arenas(stacks_arena_bytes(t->tally->stacks, t->tally->at, t->tally->n));
	free(g.goes_on);
}

/* ---------------------------------------------------------------- JSON */

static void print_json_call(const struct tree *t, uint32_t node)
{
	const struct place *p = &t->places[node];
	const struct frame *f = stacks_frame(t->tally->stacks, p->frame);
	const struct function *function = stacks_function(t->tally->stacks, f->function);
	const struct call *call = calltree_call(t->calls, node);

	printf("{\"depth\":%u,", p->depth);
	report_json_text("function", function->name);
	putchar(',');
	report_json_text("file", function_place(function));
	printf(",\"line\":%u,\"language\":\"%s\"", f->line, function_language(function));
	report_json_source(t->sources, function->file, f->line);
	printf(",\"bytes\":%llu,\"allocations\":%llu,\"own_bytes\":%llu,\"own_allocations\":%llu}",
	       (unsigned long long)p->total.bytes,
	       (unsigned long long)p->total.count, (unsigned long long)call->own[BYTES],
	       (unsigned long long)call->own[COUNT]);
}

static void print_json(const struct tree *t)
{
	bool first = true;

	report_json_head(t->tally);
	printf(",\"left_out_bytes\":%llu,\"left_out_allocations\":%llu,\"calls\":[",
	       (unsigned long long)t->left_out.bytes, (unsigned long long)t->left_out.count);
	for (uint32_t i = 0; i + 1 < t->n; i++)
		if (t->places[t->walk[i]].shown) {
			fputs(first ? "\n" : ",\n", stdout);
			first = false;
			print_json_call(t, t->walk[i]);
		}
	puts("]}");
}

/* ---------------------------------------------------------------- options */

static struct choices parse(int argc, char **argv)
{
	struct choices c = { .what = TALLY_PEAK };
	bool all = false;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'd': c.depth = tool_number(optarg, "--depth", 1, UINT32_MAX); break;
		case 'b': c.biggest = tool_number(optarg, "--biggest", 1, UINT32_MAX); break;
		case 'p': c.path_only = true; break;
		case 'a': all = true; break;
		case 'l': tally_choose(&c.what, TALLY_LEAKS); break;
		case 't': tally_choose(&c.what, TALLY_TOTAL); break;
		case KEY_JSON: c.json = true; break;
		case KEY_SOURCE: c.source = true; break;
		default: view_option(&c.view, key);
		}
	view_begin(&c.view, c.json || all);
	if (c.view.by == VIEW_TYPE)
		tally_choose_census(c.what);
	if (all && c.path_only)
		usage_die("give only one of --path and --all");
	unsigned lines, columns;
	if (!all && !c.json && tool_terminal(&lines, &columns)) {
		c.path_only = c.path_only || !c.depth;
		c.biggest = c.biggest ? c.biggest : 200;
	}
	return c;
}

static void take_source(void *sources, const struct mt_event *ev)
{
	sources_take(sources, ev);
}

int main(int argc, char **argv)
{
	struct choices c = parse(argc, argv);
	unsigned lines, columns = 0;
	struct mt_in *in = tool_input(argc, argv);
	struct sources *sources = c.source ? sources_new() : NULL;
	struct tally_by by = { .take = c.source ? take_source : NULL, .arg = sources };
	struct tally *tally = c.view.by == VIEW_TYPE ? alive_read_stacks(in, ALIVE_BELOW, &by) :
			      tally_read_more(in, c.what, &by);
	struct tally shown = view_make(&c.view, tally);
	struct tree tree = make_tree(&shown, sources, &c);

	if (c.json)
		print_json(&tree);
	else
		print_tree(&tree, tool_terminal(&lines, &columns) ? columns : 0);
	tree_clear(&tree);
	view_clear(&shown, tally);
	tally_free(tally);
	sources_free(sources);
	return tool_finish(in, NULL);
}
