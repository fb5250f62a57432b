/*
 * memfrag.c - show what keeps memory resident: free but held, and the places whose blocks pin it
 *
 * In:    a trace with a census (stdin or files)
 * Out:   for the last census of each process, its resident memory by area, and
 *        the places that pin the most, as text or JSON
 * Keeps: the live set, the stacks; of each process the blocks and pages of its
 *        last census (pins.h)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "census_rows.h"
#include "fit.h"
#include "json.h"
#include "pids.h"
#include "pins.h"
#include "provenance.h"
#include "replay.h"
#include "report.h"
#include "tool.h"
#include "units.h"
#include "view.h"
#include "xmalloc.h"

enum { KEY_JSON = 256 };

static const struct tool_option options[] = {
	{ "rows", 'r', "N", "show N places (default: all in a pipe, as many as fit on a terminal)" },
	VIEW_OPTION_IMPORTS,
	VIEW_OPTION_PYTHON,
	{ "json", KEY_JSON, NULL, "print one JSON object instead of tables" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memfrag",
	.summary = "show what keeps memory resident: free but held, and who pins it",
	.operands = "[TRACE...]",
	.example = "memrec -A --census -- python3 app.py | memfrag",
	.options = options,
};

struct process {
	uint32_t pid;
	struct pins pins;
};

struct frag {
	struct live *live;		/* block.key: its frame; block.thread: its process */
	struct stacks *stacks;
	struct view view;
	struct process *at;		/* those with a census */
	size_t n, cap;
	struct pids pids;		/* their places */
	uint64_t max_rows;
};

/* ---------------------------------------------------------------- reading */

static struct process *process_of(struct frag *f, uint32_t pid)
{
	uint32_t n = *pids_number(&f->pids, pid);

	return n == PIDS_NONE ? NULL : &f->at[n];
}

static void begin_census(struct frag *f, const struct mt_event *ev)
{
	uint32_t *n = pids_number(&f->pids, ev->pid);

	if (*n == PIDS_NONE) {
		*n = (uint32_t)f->n;
		GROW(f->at, f->n, f->cap);
		f->at[f->n++] = (struct process){ .pid = ev->pid };
	}
	pins_begin(&f->at[*n].pins);
}

static void take_blocks(struct frag *f, const struct mt_event *ev)
{
	struct process *p = process_of(f, ev->pid);
	struct census_reading reading;
	struct census_entry e;
	struct block b;

	if (!p)
		return;
	census_reading_begin(&reading, ev->info);
	while (census_reading_next(&reading, &e))
		if (live_find(f->live, e.id, &b) && b.thread == ev->pid)
			pins_add_block(&p->pins, e.addr, b.size, b.key);
	census_reading_clear(&reading);
}

static void take(struct frag *f, const struct mt_event *ev)
{
	bool opens = ev->kind == MT_ALLOC;
	struct process *p;

	replay_blocks(f->live, ev, opens ? view_frame(&f->view, f->stacks, stacks_number(f->stacks, ev->stack)) : 0);
	switch (ev->kind) {
	case MT_CENSUS:
		begin_census(f, ev);
		break;
	case MT_BLOCKS:
		take_blocks(f, ev);
		break;
	case MT_PAGES:
		p = process_of(f, ev->pid);
		if (p)
			pins_add_pages(&p->pins, ev);
		break;
	case MT_HEADER:
		pids_clear(&f->pids);	/* those of the next trace are other processes */
		stacks_take(f->stacks, ev);
		break;
	default:
		stacks_take(f->stacks, ev);
	}
}

/* ---------------------------------------------------------------- places */

/* A place pins the pages that its blocks are on, and the free ones that are held for them. */
static uint64_t pinned(const struct pins_key *k)
{
	return k->pages + k->held;
}

static int by_pinned(const void *a, const void *b, void *keys)
{
	const struct pins_key *k = keys, *x = &k[*(const uint32_t *)a], *y = &k[*(const uint32_t *)b];
	int r = (pinned(x) < pinned(y)) - (pinned(x) > pinned(y));

	r = r ? r : (x->live < y->live) - (x->live > y->live);
	return r ? r : (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

/* Frames of the same function and line are one place: numbers of a trace's frames differ by their content. */
static uint32_t *sort_places(const struct pins *p, uint32_t *n)
{
	uint32_t *sorted = xcalloc((size_t)p->n_keys + 1, sizeof *sorted);

	*n = 0;
	for (uint32_t i = 0; i < p->n_keys; i++)
		if (p->keys[i].blocks)
			sorted[(*n)++] = i;
	qsort_r(sorted, *n, sizeof *sorted, by_pinned, p->keys);
	return sorted;
}

/* ---------------------------------------------------------------- text */

static void print_area(const char *name, const struct pins_amount *a)
{
	char resident[SIZE_TEXT], live[SIZE_TEXT], free_[SIZE_TEXT], between[SIZE_TEXT], largest[SIZE_TEXT];
	double share = report_share(a->free + a->between, a->resident);

	if (!a->used && !a->free) {	/* no blocks are known there */
		printf("%-23s %9s\n", name, size_text(a->resident, resident));
		return;
	}
	printf("%-23s %9s %9s %9s %9s %9s %5.1f%%\n", name, size_text(a->resident, resident),
	       size_text(a->used, live), size_text(a->free, free_), size_text(a->largest, largest),
	       size_text(a->between, between), 100 * share);
}

static void print_areas(const struct pins *p)
{
	printf("%-23s %9s %9s %9s %9s %9s %6s\n", "Area", "Resident", "Live", "Free", "Longest", "Between",
	       "Unused");
	for (int i = 0; i < N_PINS_AREAS; i++)
		if (p->areas[i].resident)
			print_area(pins_area_name((enum pins_area)i), &p->areas[i]);
	print_area("Total", &p->all);
}

static void print_place(const struct frag *f, const struct pins *p, uint32_t key, unsigned columns)
{
	const struct pins_key *k = &p->keys[key];
	const struct frame *frame = stacks_frame(f->stacks, key);
	const struct function *function = stacks_function(f->stacks, frame->function);
	char pins[SIZE_TEXT], held[SIZE_TEXT], alone[SIZE_TEXT], live[SIZE_TEXT], count[28];
	char *whole = report_location(function->name, function_place(function), *function->file ? frame->line : 0,
				      function_is_native(function));
	unsigned used = 4 * 11 + 11 + 2;
	char *text = columns ? fit(whole, columns > used + 10 ? columns - used : 10) : xstrdup(whole);

	printf("%9s  %9s  %9s  %9s  %11s  %s\n", size_text(pinned(k), pins), size_text(k->held, held),
	       size_text(k->alone, alone), size_text(k->live, live), count_text(k->blocks, count), text);
	free(text);
	free(whole);
}

static void print_places(const struct frag *f, const struct pins *p)
{
	unsigned lines = 0, columns = 0;
	bool terminal = tool_terminal(&lines, &columns);
	uint32_t n, *sorted = sort_places(p, &n);
	uint64_t most = f->max_rows ? f->max_rows : terminal ? (lines > 20 ? lines - 16 : 5) : n;

	printf("\n%9s  %9s  %9s  %9s  %11s  %s\n", "Pins", "Free held", "Alone", "Live", "Blocks", "Location");
	for (uint32_t i = 0; i < n && i < most; i++)
		print_place(f, p, sorted[i], columns);
	if (terminal && n > most)
		printf("%u more places (-r %u shows all)\n", n - (uint32_t)most, n);
	free(sorted);
}

static void print_text(const struct frag *f, const struct pins *p)
{
	char trim[SIZE_TEXT];

	print_areas(p);
	printf("malloc_trim(0) would return about %s.\n", size_text(pins_trim(p), trim));
	print_places(f, p);
}

/* ---------------------------------------------------------------- JSON */

static void print_number(const char *key, uint64_t n)
{
	printf(",\"%s\":%llu", key, (unsigned long long)n);
}

static void print_json_area(const char *name, const struct pins_amount *a)
{
	putchar('{');
	report_json_text("area", name);
	print_number("resident", a->resident);
	print_number("live", a->used);
	print_number("free", a->free);
	print_number("longest", a->largest);
	print_number("between", a->between);
	print_number("blocks", a->blocks);
	putchar('}');
}

static void print_json_place(const struct frag *f, const struct pins *p, uint32_t key)
{
	const struct pins_key *k = &p->keys[key];
	const struct frame *frame = stacks_frame(f->stacks, key);
	const struct function *function = stacks_function(f->stacks, frame->function);

	putchar('{');
	report_json_text("function", function->name);
	putchar(',');
	report_json_text("file", function_place(function));
	print_number("line", frame->line);
	print_number("pins", pinned(k));
	print_number("free_held", k->held);
	print_number("pages", k->pages);
	print_number("alone", k->alone);
	print_number("live", k->live);
	print_number("blocks", k->blocks);
	putchar('}');
}

static void print_json(const struct frag *f, const struct process *process)
{
	const struct pins *p = &process->pins;
	uint32_t n, *sorted = sort_places(p, &n);
	const char *comma = "";

	printf("{\"pid\":%u", process->pid);
	print_number("malloc_trim", pins_trim(p));
	fputs(",\"areas\":[", stdout);
	for (int i = 0; i < N_PINS_AREAS; i++) {
		if (!p->areas[i].resident)
			continue;
		fputs(comma, stdout);
		print_json_area(pins_area_name((enum pins_area)i), &p->areas[i]);
		comma = ",";
	}
	fputs("],\"total\":", stdout);
	print_json_area("Total", &p->all);
	fputs(",\"places\":[", stdout);
	for (uint32_t i = 0; i < n && (!f->max_rows || i < f->max_rows); i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_json_place(f, p, sorted[i]);
	}
	fputs("]}", stdout);
	free(sorted);
}

/* ---------------------------------------------------------------- main */

static void print_all(struct frag *f, const char *title, const char *command, bool json)
{
	size_t shown = 0;

	if (json) {
		putchar('{');
		report_json_text("title", title);
		putchar(',');
		report_json_text("command", command);
		fputs(",\"processes\":[", stdout);
	}
	for (size_t i = 0; i < f->n; i++) {
		if (!pins_solve(&f->at[i].pins))
			continue;
		if (json) {
			fputs(shown ? ",\n" : "\n", stdout);
			print_json(f, &f->at[i]);
		} else {
			char *name = tool_printable(command);
			printf("%s%s: %s", shown ? "\n" : "", name, title);
			printf(f->n > 1 ? " (process %u)\n" : "\n", f->at[i].pid);
			print_text(f, &f->at[i].pins);
			free(name);
		}
		shown++;
	}
	if (json) {
		puts("]}");
		return;
	}
	if (!shown) {
		char *name = tool_printable(command);
		printf("%s: %s\n", name, title);
		free(name);
	}
	if (!f->n)
		puts("There is no census: record one with 'memrec --census', or call memrec.census() in the program.");
	else if (!shown)
		puts("The census has no pages: an older memrec recorded it.");
}

int main(int argc, char **argv)
{
	struct frag f = { .live = live_new(), .stacks = stacks_new() };
	struct mt_event ev;
	bool json = false;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'r': f.max_rows = tool_number(optarg, "--rows", 1, UINT32_MAX); break;
		case KEY_JSON: json = true; break;
		default: view_option(&f.view, key);
		}
	view_begin(&f.view, json);
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	char *title = provenance_title(mt_in_header(in), "resident memory at the last census");
	char *command = xstrdup(mt_in_header(in)->command);
	while (mt_next(in, &ev) > 0)
		take(&f, &ev);
	print_all(&f, title, command, json);
	for (size_t i = 0; i < f.n; i++)
		pins_clear(&f.at[i].pins);
	free(f.at);
	free(title);
	free(command);
	pids_clear(&f.pids);
	live_free(f.live);
	stacks_free(f.stacks);
	return tool_finish(in, NULL);
}
