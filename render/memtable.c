/*
 * memtable.c - list where allocations were made
 *
 * In:    a trace (stdin or files)
 * Out:   a row for each location (the innermost frame) and allocator, or type, the
 *        largest first, as text, CSV or JSON
 * Keeps: the live set, the stacks, the rows; with --source the lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "error.h"
#include "fit.h"
#include "index.h"
#include "origins.h"
#include "report.h"
#include "tally.h"
#include "tool.h"
#include "units.h"
#include "view.h"
#include "xmalloc.h"

enum { KEY_CSV = 256, KEY_JSON };

static const struct tool_option options[] = {
	{ "split-threads", 'p', NULL, "print a separate row for each thread" },
	{ "by", 'b', "WHAT", "print a row for each line (the default) or span that allocated, or line and type" },
	{ "sort", 's', "COLUMN", "sort by size (the default) or count" },
	{ "rows", 'r', "N", "show N rows (default: all in a pipe, as many as fit on a terminal)" },
	{ "leaks", 'l', NULL, "report memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	{ "every", 'e', "TIME", "report what is live after each TIME of the trace, while it is recorded" },
	{ "csv", KEY_CSV, NULL, "print comma-separated values instead of a table" },
	VIEW_OPTION_IMPORTS,
	VIEW_OPTION_PYTHON,
	REPORT_OPTION_SOURCE,
	{ "json", KEY_JSON, NULL, "print one JSON object instead of a table" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memtable",
	.summary = "list where allocations were made",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memleak | memtable",
	.options = options,
};

/* Amounts are added up by key. */
struct key {
	uint32_t frame, thread;	/* frame: of the innermost function; by span, the number of its origin */
	uint32_t type;		/* in `types`; 0, too, if rows are not by type */
	uint8_t allocator;	/* 0 by type */
};

struct keys {
	struct key *at;
	uint32_t n;
	size_t cap;
	struct index index;
	const struct view *view;
	struct sources *sources;	/* NULL: no source code is shown */
	struct origins *spans;		/* NULL: not by span */
	struct function *of_spans;	/* for rows: their names, by number */
	bool by_type;
	const struct texts *types;	/* for rows */
};

struct row {
	const struct function *function;
	uint32_t line;
	uint32_t type;
	uint8_t allocator;
	struct amount amount;
	const uint32_t *threads;	/* n_threads different ones */
	uint32_t n_threads;
};

struct table {
	const struct tally *tally;
	const struct sources *sources;
	const struct texts *types;	/* NULL: rows are not by type */
	struct row *rows;
	uint32_t n;
	uint32_t *threads;	/* the rows point into this array */
	bool several_threads, several_processes;
};

/* ---------------------------------------------------------------- counting */

static bool holds(const void *keys, uint32_t n, const void *key)
{
	const struct key *at = (const struct key *)keys + n, *wanted = key;

	return at->frame == wanted->frame && at->thread == wanted->thread && at->allocator == wanted->allocator;
}

static uint64_t hash_of(const struct key *key)
{
	return index_hash(index_hash(key->frame, key->thread), key->allocator);
}

static uint32_t number_key(void *keys, const struct tally *t, const struct mt_event *ev)
{
	struct keys *k = keys;
	struct key key = {
		.frame = k->spans ? origins_number(k->spans, ev) :
				    view_frame(k->view, t->stacks, stacks_number(t->stacks, ev->stack)),
		.thread = threads_number(t->threads, ev->pid, ev->tid),
		.allocator = k->by_type ? 0 : ev->allocator,
	};

	uint32_t n = index_put(&k->index, hash_of(&key), holds, k->at, &key, k->n);
	if (n == k->n) {
		GROW(k->at, (size_t)n, k->cap);
		k->at[k->n++] = key;
	}
	return n;
}

static void take_source(void *keys, const struct mt_event *ev)
{
	struct keys *k = keys;

	if (k->sources)
		sources_take(k->sources, ev);
	if (k->spans)
		origins_take(k->spans, ev);
}

/* ---------------------------------------------------------------- rows */

struct order {
	const struct tally *tally;
	const struct keys *keys;
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_place(const struct row *a, const struct row *b)
{
	int r = strcmp(a->function->name, b->function->name);

	r = r ? r : strcmp(function_place(a->function), function_place(b->function));
	r = r ? r : compare(a->line, b->line);
	r = r ? r : compare(a->type, b->type);
	return r ? r : compare(a->allocator, b->allocator);
}

static struct row row_of(const struct order *o, uint32_t key)
{
	const struct key *k = &o->keys->at[key];
	const struct frame *f = o->keys->spans ? NULL : stacks_frame(o->tally->stacks, k->frame);

	return (struct row){
		.function = f ? stacks_function(o->tally->stacks, f->function) : &o->keys->of_spans[k->frame],
		.line = f ? f->line : 0,
		.type = k->type,
		.allocator = k->allocator,
		.amount = o->tally->at[key],
	};
}

static int by_place_and_thread(const void *a, const void *b, void *order)
{
	const struct order *o = order;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	struct row x = row_of(o, i), y = row_of(o, j);
	int r = by_place(&x, &y);

	return r ? r : compare(o->keys->at[i].thread, o->keys->at[j].thread);
}

/* Returns the keys with allocations, equal places next to each other. */
static uint32_t *sort_keys(const struct order *o, uint32_t *n)
{
	uint32_t *sorted = xcalloc((size_t)o->tally->n + 1, sizeof *sorted);

	*n = 0;
	for (uint32_t i = 0; i < o->tally->n; i++)
		if (o->tally->at[i].count)
			sorted[(*n)++] = i;
	qsort_r(sorted, *n, sizeof *sorted, by_place_and_thread, (void *)o);
	return sorted;
}

/* Returns whether the next key belongs to the same row. */
static bool belongs(const struct row *row, const struct row *next, uint32_t thread, bool split)
{
	bool same_thread = row->threads[row->n_threads - 1] == thread;

	return by_place(row, next) == 0 && (same_thread || !split);
}

static struct table make_table(const struct tally *t, const struct keys *keys, bool split)
{
	struct order order = { t, keys };
	uint32_t n = 0, n_threads = 0;
	uint32_t *sorted = sort_keys(&order, &n);
	struct table table = {
		.tally = t,
		.sources = keys->sources,
		.types = keys->types,
		.rows = xcalloc((size_t)n + 1, sizeof *table.rows),
		.threads = xcalloc((size_t)n + 1, sizeof *table.threads),
	};

	for (uint32_t i = 0; i < n; i++) {
		struct row next = row_of(&order, sorted[i]);
		uint32_t thread = keys->at[sorted[i]].thread;
		struct row *row = table.n ? &table.rows[table.n - 1] : NULL;
		if (!row || !belongs(row, &next, thread, split)) {
			row = &table.rows[table.n++];
			*row = next;
			row->amount = (struct amount){ 0, 0 };
			row->threads = &table.threads[n_threads];
		}
		row->amount.bytes += next.amount.bytes;
		row->amount.count += next.amount.count;
		if (row->n_threads == 0 || row->threads[row->n_threads - 1] != thread) {
			table.threads[n_threads++] = thread;
			row->n_threads++;
		}
		table.several_threads = table.several_threads || thread != table.threads[0];
		table.several_processes = table.several_processes ||
			threads_thread(t->threads, thread)->pid != threads_thread(t->threads, table.threads[0])->pid;
	}
	free(sorted);
	return table;
}

static int by_size(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = compare(y->amount.bytes, x->amount.bytes);

	r = r ? r : compare(y->amount.count, x->amount.count);
	r = r ? r : by_place(x, y);
	return r ? r : compare(x->threads[0], y->threads[0]);
}

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = compare(y->amount.count, x->amount.count);

	return r ? r : by_size(a, b);
}

/* ---------------------------------------------------------------- text */

static const struct thread *only_thread(const struct table *table, const struct row *row)
{
	return row->n_threads == 1 ? threads_thread(table->tally->threads, row->threads[0]) : NULL;
}

/* Returns the name of the type, or of the allocator; the caller frees it. */
static char *kind_text(const struct table *table, const struct row *row)
{
	if (!table->types)
		return xstrdup(mt_allocator_name(row->allocator));
	return tool_printable(row->type ? texts_text(table->types, row->type).p : ALIVE_NO_TYPE);
}

/* Returns "worker (1234)", "1234", with the process "worker (1200/1234)", or "3 threads"; the caller frees it. */
static char *thread_text(const struct table *table, const struct row *row)
{
	const struct thread *t = only_thread(table, row);
	char number[32];

	if (!t)
		return xasprintf("%u threads", row->n_threads);
	if (table->several_processes)
		snprintf(number, sizeof number, "%u/%u", t->pid, t->tid);
	else
		snprintf(number, sizeof number, "%u", t->tid);
	char *name = tool_printable(t->name);
	char *text = *name ? xasprintf("%s (%s)", name, number) : xstrdup(number);
	free(name);
	return text;
}

/* Widths in columns; terminal is 0 if there is none, thread is 0 if the column is not shown. */
struct widths {
	unsigned terminal;
	int kind, thread;	/* kind: of types or allocators */
};

/* Prints the place, then what remains of the terminal's width of its line of source code. */
static void print_location(const struct table *table, const struct row *row, const struct widths *w)
{
	const struct function *f = row->function;
	char *whole = report_location(f->name, function_place(f), *f->file ? row->line : 0, function_is_native(f));
	unsigned used = 11 + 2 + 13 + 2 + (unsigned)w->kind + 2 + (w->thread ? (unsigned)w->thread + 2 : 0);
	unsigned left = !w->terminal ? 0 : w->terminal > used + 10 ? w->terminal - used : 10;
	char *text = left ? fit(whole, left) : xstrdup(whole);

	fputs(text, stdout);
	report_source_after(table->sources, f->file, row->line, left, tool_columns(text));
	putchar('\n');
	free(text);
	free(whole);
}

static void print_row(const struct table *table, const struct row *row, const struct widths *w)
{
	char size[SIZE_TEXT], count[28];
	double share = report_share(row->amount.bytes, table->tally->total.bytes);

	char *kind = kind_text(table, row), *shown = fit(kind, (size_t)w->kind);
	printf("%s%11s%s  %13s  %s%*s  ", report_colour(share), size_text(row->amount.bytes, size),
	       report_colour_end(share), count_text(row->amount.count, count), shown,
	       w->kind - (int)tool_columns(shown), "");
	free(shown);
	free(kind);
	if (w->thread) {
		char *thread = thread_text(table, row);
		printf("%s%*s  ", thread, w->thread - (int)tool_columns(thread), "");
		free(thread);
	}
	print_location(table, row, w);
}

static int longest_thread(const struct table *table, uint32_t rows)
{
	size_t longest = strlen("Thread");

	for (uint32_t i = 0; i < rows; i++) {
		char *text = thread_text(table, &table->rows[i]);
		longest = tool_columns(text) > longest ? tool_columns(text) : longest;
		free(text);
	}
	return (int)longest;
}

static const char *kind_heading(const struct table *table)
{
	return table->types ? "Type" : "Allocator";
}

/* On a terminal, types have at most a third of it. */
static int longest_kind(const struct table *table, uint32_t rows, unsigned columns)
{
	size_t longest = strlen(kind_heading(table)), most = columns / 3 > longest ? columns / 3 : longest;

	for (uint32_t i = 0; i < rows; i++) {
		char *text = kind_text(table, &table->rows[i]);
		longest = tool_columns(text) > longest ? tool_columns(text) : longest;
		free(text);
	}
	return (int)(columns && table->types && longest > most ? most : longest);
}

static void print_head(const struct table *table, const struct widths *w)
{
	printf("%11s  %13s  %-*s  ", "Size", "Allocations", w->kind, kind_heading(table));
	if (w->thread)
		printf("%-*s  ", w->thread, "Thread");
	puts("Location");
}

static uint64_t arena_bytes(const struct table *table)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < table->n; i++)
		if (function_is_arena(table->rows[i].function))
			amount_sum(&bytes, table->rows[i].amount.bytes);
	return bytes;
}

static void print_table(const struct table *table, uint64_t max_rows)
{
	unsigned lines = 0, columns = 0;
	char rows_text[28];
	bool terminal = tool_terminal(&lines, &columns);

	if (terminal && !max_rows)
		max_rows = lines > 15 ? lines - 5 : 10;
	uint32_t rows = max_rows && max_rows < table->n ? (uint32_t)max_rows : table->n;
	struct widths w = {
		.terminal = columns,
		.kind = longest_kind(table, rows, columns),
		.thread = table->several_threads ? longest_thread(table, rows) : 0,
	};

	report_title(table->tally);
	print_head(table, &w);
	for (uint32_t i = 0; i < rows; i++)
		print_row(table, &table->rows[i], &w);
	if (terminal && rows < table->n)
		printf("%u more rows (-r %u shows all)\n", table->n - rows, table->n);
	char *total = report_total(table->tally);
	printf("Total: %s, %s row%s\n", total, count_text(table->n, rows_text), table->n == 1 ? "" : "s");
	free(total);
	report_arenas(arena_bytes(table));
}

/* ---------------------------------------------------------------- CSV, JSON */

static void print_csv(const struct table *table, uint64_t max_rows)
{
	printf("size,allocations,%s,threads,pid,tid,thread,function,file,line,language%s\n",
	       table->types ? "type" : "allocator", table->sources ? ",source" : "");
	for (uint32_t i = 0; i < table->n && (!max_rows || i < max_rows); i++) {
		const struct row *row = &table->rows[i];
		const struct thread *t = only_thread(table, row);
		char *kind = kind_text(table, row);
		printf("%llu,%llu,", (unsigned long long)row->amount.bytes, (unsigned long long)row->amount.count);
		report_csv_field(stdout, kind);
		printf(",%u,", row->n_threads);
		free(kind);
		if (t)
			printf("%u,%u,", t->pid, t->tid);
		else
			fputs(",,", stdout);
		report_csv_field(stdout, t ? t->name : "");
		putchar(',');
		report_csv_field(stdout, row->function->name);
		putchar(',');
		report_csv_field(stdout, function_place(row->function));
		printf(",%u,%s", row->line, function_language(row->function));
		if (table->sources) {
			char *source = report_source(table->sources, row->function->file, row->line);
			putchar(',');
			report_csv_field(stdout, source);
			free(source);
		}
		putchar('\n');
	}
}

static void print_json_row(const struct table *table, const struct row *row)
{
	printf("{\"size\":%llu,\"allocations\":%llu,", (unsigned long long)row->amount.bytes,
	       (unsigned long long)row->amount.count);
	report_json_text(table->types ? "type" : "allocator", table->types ? texts_text(table->types, row->type).p :
									      mt_allocator_name(row->allocator));
	putchar(',');
	report_json_text("function", row->function->name);
	putchar(',');
	report_json_text("file", function_place(row->function));
	printf(",\"line\":%u,\"language\":\"%s\"", row->line, function_language(row->function));
	report_json_source(table->sources, row->function->file, row->line);
	fputs(",\"threads\":[", stdout);
	for (uint32_t i = 0; i < row->n_threads; i++) {
		const struct thread *t = threads_thread(table->tally->threads, row->threads[i]);
		printf("%s{\"pid\":%u,\"tid\":%u,", i ? "," : "", t->pid, t->tid);
		report_json_text("name", t->name);
		putchar('}');
	}
	fputs("]}", stdout);
}

static void print_json(const struct table *table, uint64_t max_rows)
{
	report_json_head(table->tally);
	printf(",\"total_rows\":%u,\"rows\":[", table->n);
	for (uint32_t i = 0; i < table->n && (!max_rows || i < max_rows); i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_json_row(table, &table->rows[i]);
	}
	puts("]}");
}

/* ---------------------------------------------------------------- options */

enum by { BY_LINE, BY_SPAN, BY_TYPE };

struct choices {
	enum tally_what what;
	bool split, by_count, source;
	enum by by;
	uint64_t max_rows, every_ms;	/* every_ms 0: once, at the end */
	int format;
	struct view view;
};

static enum by parse_by(const char *text)
{
	static const char *const names[] = { [BY_LINE] = "line", [BY_SPAN] = "span", [BY_TYPE] = "type" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum by)i;
	usage_die("--by: '%s' is not line, span or type", text);
}

static bool parse_sort(const char *text)
{
	if (strcmp(text, "size") != 0 && strcmp(text, "count") != 0)
		usage_die("--sort: '%s' is not size or count", text);
	return strcmp(text, "count") == 0;
}

static struct choices parse(int argc, char **argv)
{
	struct choices c = { .what = TALLY_PEAK };

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'p': c.split = true; break;
		case 'b': c.by = parse_by(optarg); break;
		case 's': c.by_count = parse_sort(optarg); break;
		case 'r': c.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		case 'l': tally_choose(&c.what, TALLY_LEAKS); break;
		case 't': tally_choose(&c.what, TALLY_TOTAL); break;
		case 'e': c.every_ms = tool_time_ms(optarg, "--every", 1, INT64_MAX); break;
		case KEY_SOURCE: c.source = true; break;
		case KEY_IMPORTS:
		case KEY_PYTHON: view_option(&c.view, key); break;
		default:
			if (c.format && c.format != key)
				usage_die("give only one of --csv and --json");
			c.format = key;
		}
	view_begin(&c.view, c.format != 0);
	if (c.every_ms && c.format == KEY_CSV)
		usage_die("--every: comma-separated values have no times: use --json, or --csv without it");
	if (c.by == BY_TYPE && c.every_ms)
		usage_die("--every: a census says what was alive at its moment: give it without --by type");
	if (c.by == BY_TYPE)
		tally_choose_census(c.what);
	return c;
}

/* Rows of spans are printed as functions without a file. */
static void name_spans(struct keys *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->n; i++)
		n = k->at[i].frame >= n ? k->at[i].frame + 1 : n;
	k->of_spans = xreallocarray(k->of_spans, (size_t)n + 1, sizeof *k->of_spans);
	for (uint32_t i = 0; i < n; i++)
		k->of_spans[i] = (struct function){ .name = origins_origin(k->spans, i)->name, .file = "", .module = "",
						    .lang = MT_LANG_PYTHON };
}

static void print(const struct tally *t, struct keys *keys, const struct choices *c)
{
	if (keys->spans)
		name_spans(keys);
	struct table table = make_table(t, keys, c->split);

	qsort(table.rows, table.n, sizeof *table.rows, c->by_count ? by_count : by_size);
	if (c->format == KEY_CSV)
		print_csv(&table, c->max_rows);
	else if (c->format == KEY_JSON)
		print_json(&table, c->max_rows);
	else
		print_table(&table, c->max_rows);
	free(table.rows);
	free(table.threads);
}

/* Each key becomes several, one for each of its types. */
static void add_types(struct keys *k, const struct alive *a)
{
	struct key *at = xcalloc((size_t)a->tally->n + 1, sizeof *at);

	for (uint32_t i = 0; i < a->tally->n; i++) {
		at[i] = k->at[a->pairs[i].key];
		at[i].type = a->pairs[i].type;
	}
	free(k->at);
	k->at = at;
	k->types = &a->types;
}

static void print_types(struct mt_in *in, const struct tally_by *by, struct keys *keys, const struct choices *c)
{
	struct alive *a = alive_read(in, by);

	add_types(keys, a);
	print(a->tally, keys, c);
	alive_free(a);
}

struct watcher {
	const struct choices *choices;
	struct keys *keys;
};

static void see(void *watcher, const struct tally *t)
{
	const struct watcher *w = watcher;

	print(t, w->keys, w->choices);
	if (!w->choices->format)
		putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct choices c = parse(argc, argv);
	struct keys keys = { .view = &c.view, .sources = c.source ? sources_new() : NULL,
			     .by_type = c.by == BY_TYPE,
			     .spans = c.by == BY_SPAN ? origins_new(ORIGINS_SPAN, NULL) : NULL };
	struct tally_by by = { .key = number_key, .take = take_source, .arg = &keys };
	struct watcher watcher = { &c, &keys };
	struct mt_in *in = tool_input(argc, argv);

	if (c.every_ms) {
		mt_in_follow(in);
		tally_watch(in, c.what, &by, &(struct tally_watch){ c.every_ms, see, &watcher });
	} else if (c.by == BY_TYPE) {
		print_types(in, &by, &keys, &c);
	} else {
		struct tally *t = tally_read_more(in, c.what, &by);
		print(t, &keys, &c);
		tally_free(t);
	}
	free(keys.at);
	free(keys.of_spans);
	origins_free(keys.spans);
	index_clear(&keys.index);
	sources_free(keys.sources);
	return tool_finish(in, NULL);
}
