/*
 * memheld.c - show who holds memory: retained sizes and the paths from a root
 *
 * In:    a trace with a census that has references (stdin or files)
 * Out:   for the last census: the objects that retain the most, or, of a type or
 *        place, what its objects retain and the shortest paths to them; text or JSON
 * Keeps: the live set, the stacks; the blocks and references of the census (memheld/graph.h)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fit.h"
#include "json.h"
#include "memheld/heap.h"
#include "memheld/paths.h"
#include "pattern.h"
#include "provenance.h"
#include "report.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

enum { KEY_JSON = 256 };

static const struct tool_option options[] = {
	{ "type", 'y', "REGEX", "report the objects whose type matches REGEX" },
	{ "function", 'f', "REGEX", "report the objects that a function whose name matches REGEX allocated" },
	{ "rows", 'r', "N", "show N rows (default: 20)" },
	{ "pid", 'p', "PID", "report the last census of process PID (default: of the process that had the last one)" },
	{ "json", KEY_JSON, NULL, "print one JSON object instead of a table" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memheld",
	.summary = "show who holds memory: retained sizes and the paths from a root",
	.operands = "[TRACE...]",
	.example = "memrec -A --references -- python3 app.py | memheld --type Request",
	.options = options,
};

struct choices {
	struct pattern type, function;
	uint64_t rows;
	bool json;
};

/* A line of the report. */
struct row {
	char *path;
	uint32_t node;		/* one of its objects */
	uint64_t count, own, retained;
};

static bool finds(const struct pattern *p, const char *text)
{
	return pattern_finds(p, (struct mt_str){ text, strlen(text) });
}

/* ---------------------------------------------------------------- rows */

static int by_retained(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = (x->retained < y->retained) - (x->retained > y->retained);

	r = r ? r : (x->count < y->count) - (x->count > y->count);
	return r || !x->path ? r : strcmp(x->path, y->path);
}

/*
 * Where the memory below a block that the roots hold accumulates: the last block on the way down of which one that
 * it dominates still retains most.
 */
static uint32_t accumulation(const struct graph *g, const uint32_t *largest, uint32_t at)
{
	while (largest[at] != GRAPH_NONE && g->retained[largest[at]] >= g->retained[at] - g->retained[at] / 4)
		at = largest[at];
	return at;
}

/* Returns for each node the one that retains the most of those that it dominates. */
static uint32_t *find_largest(const struct graph *g)
{
	uint32_t *largest = xcalloc(g->n, sizeof *largest);

	memset(largest, 0xff, g->n * sizeof *largest);
	for (uint32_t i = 1; i < g->n_order; i++) {
		uint32_t v = g->order[i], *best = &largest[g->dominator[v]];
		if (*best == GRAPH_NONE || g->retained[v] > g->retained[*best])
			*best = v;
	}
	return largest;
}

/* Rows of equal paths. */
struct rows {
	struct row *at;
	size_t n, cap;
	struct texts paths;
};

static struct row *row_of(struct rows *r, const char *path, uint32_t node)
{
	uint32_t number = texts_number(&r->paths, path, strlen(path));

	if (number > r->n) {
		GROW(r->at, r->n, r->cap);
		r->at[r->n++] = (struct row){ xstrdup(path), node, 0, 0, 0 };
	}
	return &r->at[number - 1];
}

#define MOST_HOLDERS 100000u	/* those that retain less than so many others are not grouped */

/* The blocks that retain the most, those without a known holder by their paths; each is held only through itself. */
static struct row *find_holders(const struct heap *h, size_t *n)
{
	const struct graph *g = &h->graph;
	uint32_t *largest = find_largest(g);
	struct row *found = NULL;
	struct rows rows = { 0 };
	size_t cap = 0, n_found = 0;

	for (uint32_t i = 1; i < g->n_order; i++) {
		uint32_t v = g->order[i];
		if (g->dominator[v] != GRAPH_ROOT)
			continue;
		uint32_t at = heap_owner(h, accumulation(g, largest, v));
		GROW(found, n_found, cap);
		found[n_found++] = (struct row){ NULL, at, 1, g->size[at], g->retained[at] };
	}
	free(largest);
	*n = 0;
	if (n_found)
		qsort(found, n_found, sizeof *found, by_retained);
	for (size_t i = 0; i < n_found && i < MOST_HOLDERS; i++) {
		char *path = paths_text(h, found[i].node, true);
		if (strncmp(path, HEAP_NO_HOLDER, strlen(HEAP_NO_HOLDER)) != 0) {
			found[*n] = found[i];
			found[(*n)++].path = path;
			continue;
		}
		struct row *row = row_of(&rows, path, found[i].node);
		free(path);
		row->count++;
		row->own += found[i].own;
		row->retained += found[i].retained;
	}
	for (size_t i = 0; i < rows.n; i++)	/* each of them is at least one that was found */
		found[(*n)++] = rows.at[i];
	free(rows.at);
	texts_clear(&rows.paths);
	if (*n)
		qsort(found, *n, sizeof *found, by_retained);
	return found;
}

static bool is_target(const struct heap *h, uint32_t node, const struct choices *c)
{
	return !heap_is_part(h, node) && finds(&c->type, heap_type(h, node)) &&
	       finds(&c->function, heap_function(h, node)->name);
}

/*
 * The wanted objects by the paths to them. One that another of them dominates is counted, but that one's memory
 * includes its own already.
 */
static struct row *find_targets(const struct heap *h, const struct choices *c, size_t *n, struct row *all)
{
	const struct graph *g = &h->graph;
	struct rows rows = { 0 };
	bool *below = xcalloc(g->n, sizeof *below);	/* it is wanted, or dominated by one that is */

	for (uint32_t i = 1; i < g->n_order; i++) {
		uint32_t v = g->order[i];
		bool covered = below[g->dominator[v]], wanted = is_target(h, v, c);
		below[v] = covered || wanted;
		if (!wanted)
			continue;
		char *path = paths_text(h, v, true);
		struct row *row = row_of(&rows, path, v);
		free(path);
		row->count++;
		row->own += g->size[v];
		row->retained += covered ? 0 : g->retained[v];
	}
	for (uint32_t v = 1; v < g->n; v++)
		if (!g->retained[v] && g->parent[v] == GRAPH_NONE && is_target(h, v, c)) {
			struct row *row = row_of(&rows, PATHS_UNREACHABLE, v);
			row->count++;
			row->own += g->size[v];
			row->retained += g->size[v];
		}
	*all = (struct row){ 0 };
	for (size_t i = 0; i < rows.n; i++) {
		all->count += rows.at[i].count;
		all->own += rows.at[i].own;
		all->retained += rows.at[i].retained;
	}
	free(below);
	texts_clear(&rows.paths);
	if (rows.n)
		qsort(rows.at, rows.n, sizeof *rows.at, by_retained);
	*n = rows.n;
	return rows.at;
}

/* ---------------------------------------------------------------- output */

static char *place_of(const struct heap *h, uint32_t node)
{
	const struct function *f = heap_function(h, node);

	return report_location(f->name, function_place(f), *f->file ? heap_line(h, node) : 0, function_is_native(f));
}

#define NUMBERS_COLUMNS 33	/* before the path */
#define LEAST_COLUMNS 20	/* for the path, on whatever terminal */

/* Prints a part of the path where it has room in its columns, or else in the next line, cut to those columns. */
static void print_part(const char *part, size_t n, unsigned columns, size_t *used)
{
	char *text = xasprintf("%.*s", (int)n, part), *fitted;

	if (*used && *used + tool_columns(text) > columns) {
		printf("\n%*s", NUMBERS_COLUMNS, "");
		*used = 0;
	}
	fitted = fit(*used ? text : text + strspn(text, ", "), columns - *used);
	fputs(fitted, stdout);
	*used += tool_columns(fitted);
	free(fitted);
	free(text);
}

/* Prints "module app -> kept (list), allocated at make at app.py:3"; columns: 0 for one line, however long. */
static void print_path(const char *path, const char *place, unsigned columns)
{
	size_t used = 0;

	if (!columns) {
		printf("%s, allocated at %s\n", path, place);
		return;
	}
	for (const char *end; *path; path = end) {
		end = strstr(path + 1, " -> ");
		end = end ? end : path + strlen(path);
		print_part(path, (size_t)(end - path), columns, &used);
	}
	char *rest = xasprintf(", allocated at %s", place);
	print_part(rest, strlen(rest), columns, &used);
	putchar('\n');
	free(rest);
}

static void print_row(const struct heap *h, const struct row *row)
{
	char retained[SIZE_TEXT], own[SIZE_TEXT], count[28];
	char *place = place_of(h, row->node), *path = tool_printable(row->path);
	unsigned lines, columns = 0;

	printf("%9s  %9s  %9s  ", size_text(row->retained, retained), count_text(row->count, count),
	       size_text(row->own, own));
	if (tool_terminal(&lines, &columns))
		columns = columns > NUMBERS_COLUMNS + LEAST_COLUMNS ? columns - NUMBERS_COLUMNS : LEAST_COLUMNS;
	print_path(path, place, columns);
	free(place);
	free(path);
}

static void print_json_row(const struct heap *h, const struct row *row)
{
	const struct function *f = heap_function(h, row->node);

	printf("{\"retained\":%llu,\"objects\":%llu,\"own\":%llu,", (unsigned long long)row->retained,
	       (unsigned long long)row->count, (unsigned long long)row->own);
	report_json_text("type", heap_type(h, row->node));
	putchar(',');
	report_json_text("path", row->path);
	putchar(',');
	report_json_text("function", f->name);
	putchar(',');
	report_json_text("file", function_place(f));
	printf(",\"line\":%u}", heap_line(h, row->node));
}

/* Objects that no root reaches: by their types they could be collected. */
static struct row unreachable(const struct heap *h)
{
	struct row r = { 0 };

	for (uint32_t v = 1; v < h->graph.n; v++)
		if (h->graph.parent[v] == GRAPH_NONE && heap_type(h, v)[0]) {
			r.count++;
			r.own += h->graph.size[v];
		}
	return r;
}

static void print_text(const struct heap *h, struct row *rows, size_t n, const struct row *all, uint64_t most)
{
	char retained[SIZE_TEXT], own[SIZE_TEXT], count[28];

	if (all)
		printf("%s objects, %s; with what they alone hold %s\n", count_text(all->count, count),
		       size_text(all->own, own), size_text(all->retained, retained));
	printf("%9s  %9s  %9s  %s\n", "Retained", "Objects", "Own", "Path");
	for (size_t i = 0; i < n && i < most; i++)
		print_row(h, &rows[i]);
	if (n > most)
		printf("%zu more rows (-r %zu shows all)\n", n - (size_t)most, n);
	struct row lost = unreachable(h);
	if (!all && lost.count)
		printf("%s objects, %s, hold one another, and no root reaches them: garbage\n",
		       count_text(lost.count, count), size_text(lost.own, own));
}

static void print_json(const struct heap *h, struct row *rows, size_t n, uint64_t most)
{
	struct row lost = unreachable(h);

	printf(",\"pid\":%u,\"references\":%zu,\"unreachable_objects\":%llu,\"unreachable_bytes\":%llu,\"rows\":[",
	       h->pid, h->n_references, (unsigned long long)lost.count, (unsigned long long)lost.own);
	for (size_t i = 0; i < n && i < most; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_json_row(h, &rows[i]);
	}
	fputs("]", stdout);
}

static void report(struct heap *h, const struct choices *c, const char *title, const char *command)
{
	bool wanted = c->type.text || c->function.text;
	struct row *rows = NULL, all = { 0 };
	size_t n = 0;

	if (h->n_references) {
		heap_solve(h);
		rows = wanted ? find_targets(h, c, &n, &all) : find_holders(h, &n);
	}
	if (c->json) {
		putchar('{');
		report_json_text("title", title);
		putchar(',');
		report_json_text("command", command);
		print_json(h, rows, n, c->rows);
		puts("}");
	} else {
		char *name = tool_printable(command);
		printf("%s: %s\n", name, title);
		free(name);
		if (h->n_references)
			print_text(h, rows, n, wanted ? &all : NULL, c->rows);
		else
			puts("There is no census with references: record one with 'memrec --references'.");
	}
	for (size_t i = 0; i < n; i++)
		free(rows[i].path);
	free(rows);
}

int main(int argc, char **argv)
{
	struct choices c = { .rows = 20 };
	struct heap *h = heap_new();
	struct mt_event ev;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'y': c.type = (struct pattern){ .text = optarg, .option = "--type" }; break;
		case 'f': c.function = (struct pattern){ .text = optarg, .option = "--function" }; break;
		case 'r': c.rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		case 'p': heap_only(h, (uint32_t)tool_number(optarg, "--pid", 0, UINT32_MAX)); break;
		case KEY_JSON: c.json = true; break;
		}
	pattern_compile(&c.type, 0);
	pattern_compile(&c.function, 0);
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	char *title = provenance_title(mt_in_header(in), "who holds memory at the last census");
	char *command = xstrdup(mt_in_header(in)->command);
	while (mt_next(in, &ev) > 0)
		heap_take(h, &ev);
	report(h, &c, title, command);
	heap_free(h);
	pattern_clear(&c.type);
	pattern_clear(&c.function);
	free(title);
	free(command);
	return tool_finish(in, NULL);
}
