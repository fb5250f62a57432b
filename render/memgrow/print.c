/*
 * print.c - print the rows of memgrow as text, CSV or JSON
 */
#include "print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "report.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

#define NARROW 110	/* on a terminal of fewer columns some of the table's columns are left out */
#define MINUTE_MS 60000

struct row {
	uint32_t place;
	struct grown g;
};

struct rows {
	const struct growth_report *report;
	struct row *at;
	uint32_t n;
	struct grown all;
	uint64_t begin_ms, length_ms;	/* of the course without the warm-up */
	uint32_t intervals;
};

/* ---------------------------------------------------------------- rows */

/* A long double has 64 bits of mantissa: differences of two sums are exact. */
static long double growth_bytes(const struct grown *g)
{
	return (long double)g->now.bytes - (long double)g->before.bytes;
}

static long double growth_count(const struct grown *g)
{
	return (long double)g->now.count - (long double)g->before.count;
}

static double a_minute(const struct rows *rows, long double growth)
{
	return rows->length_ms ? (double)(growth * MINUTE_MS / (long double)rows->length_ms) : 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static uint64_t swing(const struct grown *g)
{
	return g->high - g->low;
}

/* Leaks first; within each group the largest change first, then the largest place. */
static int by_change(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = (y->g.word == GROWTH_LEAK) - (x->g.word == GROWTH_LEAK);

	r = r ? r : compare(swing(&y->g), swing(&x->g));
	r = r ? r : compare(y->g.now.bytes, x->g.now.bytes);
	return r ? r : compare(x->place, y->place);
}

/* Returns whether the place held memory at the end of any interval. */
static bool ever_held(const struct rows *rows, uint32_t place)
{
	const struct growth_report *r = rows->report;

	for (uint32_t i = r->from; i <= r->window.n; i++)
		if (growth_sample(r->growth, place, i))
			return true;
	return false;
}

static struct rows make_rows(const struct growth_report *r)
{
	uint32_t n = growth_places(r->growth);
	uint64_t begin_ms = r->window.begin_ms + r->from * r->window.every_ms;
	struct rows rows = {
		.report = r,
		.at = xcalloc((size_t)n + 1, sizeof *rows.at),
		.begin_ms = begin_ms,
		.length_ms = r->window.end_ms - begin_ms,
		.intervals = r->window.n - r->from,
	};

	for (uint32_t i = 0; i < n; i++)
		if (ever_held(&rows, i))
			rows.at[rows.n++] = (struct row){ i, growth_of(r->growth, i, r->from) };
	if (n)
		rows.all = growth_of_all(r->growth, r->from);
	qsort(rows.at, rows.n, sizeof *rows.at, by_change);
	return rows;
}

static bool wanted(const struct rows *rows, uint32_t i)
{
	return i < rows->n && (!rows->report->max_rows || i < rows->report->max_rows);
}

/* ---------------------------------------------------------------- text */

struct layout {
	unsigned columns;	/* of the terminal; 0: none */
	bool narrow;
	unsigned course;	/* width of the column "Course" */
};

#define CHANGE_TEXT (SIZE_TEXT + 2)
#define CYCLES_TEXT 16

/* Writes "46.737MB", "-1.500kB" to buf, and returns it. */
static const char *change_text(long double bytes, char buf[CHANGE_TEXT])
{
	char size[SIZE_TEXT];

	size_text(amount_rounded(bytes < 0 ? -bytes : bytes), size);
	snprintf(buf, CHANGE_TEXT, "%s%s", bytes < 0 ? "-" : "", size);
	return buf;
}

/* Prints the bytes at the ends of intervals as bars, relative to the highest. */
static void print_course(const struct rows *rows, uint32_t place, unsigned columns)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	const struct growth_report *r = rows->report;
	uint64_t highest = 1;

	for (uint32_t i = r->from; i <= r->window.n; i++)
		if (growth_sample(r->growth, place, i) > highest)
			highest = growth_sample(r->growth, place, i);
	for (unsigned k = 0; k < columns; k++) {
		uint32_t i = r->from + (uint32_t)((uint64_t)rows->intervals * (k + 1) / columns);
		uint64_t v = growth_sample(r->growth, place, i);
		fputs(bars[(unsigned)((double)v / (double)highest * 8 + .5)], stdout);
	}
	fputs("  ", stdout);
}

static const char *word_colour(enum growth_word w)
{
	if (!tool_colour())
		return "";
	return w == GROWTH_LEAK ? "\033[31m" : w == GROWTH_CACHE ? "\033[33m" : w == GROWTH_GARBAGE ? "\033[32m" : "";
}

static void print_head(const struct layout *l)
{
	printf("%10s  %10s  ", "Growth", "per minute");
	if (!l->narrow)
		printf("%10s  %10s  %10s  ", "Blocks", "per minute", "Live");
	printf("%*s  %6s  ", l->narrow ? 4 : 9, "Grew", "Oldest");
	if (!l->narrow)
		printf("%6s  %6s  ", "Median", "Cycles");
	printf("%-7s  ", "Word");
	if (l->course)
		printf("%-*s  ", (int)l->course, "Course");
	puts("Place");
}

/* Prints "57/60", on a narrow terminal "95%". */
static void print_grew(const struct rows *rows, const struct grown *g, bool narrow)
{
	char text[32];

	if (narrow) {
		printf("%3u%%  ", rows->intervals ? (unsigned)((uint64_t)g->rose * 100 / rows->intervals) : 0);
		return;
	}
	snprintf(text, sizeof text, "%u/%u", g->rose, rows->intervals);
	printf("%9s  ", text);
}

/* Writes the share of what was freed that the collector of cycles freed: "93%", "<1%"; "-" if there is none. */
static const char *cycles_text(const struct rows *rows, const struct grown *g, char buf[CYCLES_TEXT])
{
	if (!rows->report->collections || g->freed.bytes == 0)
		return "-";
	unsigned percent = (unsigned)((long double)g->collected.bytes * 100 / (long double)g->freed.bytes);
	snprintf(buf, CYCLES_TEXT, "%s%u%%", percent == 0 && g->collected.bytes ? "<" : "",
		 percent == 0 && g->collected.bytes ? 1 : percent);
	return buf;
}

static void print_numbers(const struct rows *rows, const struct grown *g, const struct layout *l)
{
	char growth[CHANGE_TEXT], rate[CHANGE_TEXT], live[SIZE_TEXT], oldest[DURATION_TEXT], median[DURATION_TEXT];
	char cycles[CYCLES_TEXT];

	printf("%10s  %10s  ", change_text(growth_bytes(g), growth),
	       change_text(a_minute(rows, growth_bytes(g)), rate));
	if (!l->narrow)
		printf("%10.0Lf  %10.0f  %10s  ", growth_count(g), a_minute(rows, growth_count(g)),
		       size_text(g->now.bytes, live));
	print_grew(rows, g, l->narrow);
	printf("%6s  ", g->now.count ? duration_text(g->oldest_ms, oldest) : "-");
	if (!l->narrow)
		printf("%6s  %6s  ", g->now.count ? duration_text(g->median_ms, median) : "-",
		       cycles_text(rows, g, cycles));
	const char *colour = word_colour(g->word);
	printf("%s%-7s%s  ", colour, growth_word_text(g->word), *colour ? "\033[0m" : "");
}

static unsigned columns_before_place(const struct layout *l)
{
	return 12 + 12 + (l->narrow ? 6 : 36 + 11 + 8 + 8) + 8 + 9 + (l->course ? l->course + 2 : 0);
}

static void print_row(const struct rows *rows, const struct row *row, const struct layout *l)
{
	char *whole = origins_text(rows->report->origins, row->place), *text = whole;
	unsigned used = columns_before_place(l);

	print_numbers(rows, &row->g, l);
	if (l->course)
		print_course(rows, row->place, l->course);
	if (l->columns)
		text = fit(whole, l->columns > used + 12 ? l->columns - used : 12);
	puts(text);
	if (text != whole)
		free(text);
	free(whole);
}

static void print_title(const struct rows *rows)
{
	char *title = tool_printable(rows->report->title), *command = tool_printable(rows->report->command);
	char begin[DURATION_TEXT], end[DURATION_TEXT], every[DURATION_TEXT];

	printf("%s%s%s\n", command, *command ? ": " : "", title);
	if (rows->intervals)
		printf("From %s to %s, in %u interval%s of %s\n", duration_text(rows->begin_ms, begin),
		       duration_text(rows->report->window.end_ms, end), rows->intervals,
		       rows->intervals == 1 ? "" : "s", duration_text(rows->report->window.every_ms, every));
	free(title);
	free(command);
}

/* Prints "leak 46.737MB in 2 rows, cache 3.000MB in 1 row, - 0B in 1 row". */
static void print_words(const struct rows *rows)
{
	const char *separator = "";

	for (enum growth_word w = GROWTH_UNCLEAR; w < GROWTH_N_WORDS; w++) {
		long double bytes = 0;
		uint32_t n = 0;
		for (uint32_t i = 0; i < rows->n; i++)
			if (rows->at[i].g.word == w) {
				bytes += growth_bytes(&rows->at[i].g);
				n++;
			}
		char text[CHANGE_TEXT];
		if (n) {
			printf("%s%s %s in %u row%s", separator, growth_word_text(w),
			       change_text(bytes, text), n, n == 1 ? "" : "s");
			separator = ", ";
		}
	}
	if (rows->n)
		putchar('\n');
}

static void print_total(const struct rows *rows)
{
	char growth[CHANGE_TEXT], rate[CHANGE_TEXT], live[SIZE_TEXT];

	printf("Total: %s", size_text(rows->all.now.bytes, live));
	if (rows->report->sampled)
		printf(" ± %s", size_text(rows->report->error.bytes, live));
	printf(" live, grown by %s, %s per minute\n", change_text(growth_bytes(&rows->all), growth),
	       change_text(a_minute(rows, growth_bytes(&rows->all)), rate));
	print_words(rows);
}

void growth_print_table(const struct growth_report *report)
{
	struct rows rows = make_rows(report);
	struct layout l = { .columns = 0 };
	unsigned lines = 0;
	uint64_t most = report->max_rows;

	if (tool_terminal(&lines, &l.columns)) {
		l.narrow = l.columns < NARROW;
		l.course = l.narrow ? 8 : 16;
		if (!most)
			most = lines > 17 ? lines - 7 : 10;
	}
	uint32_t shown = most && most < rows.n ? (uint32_t)most : rows.n;
	print_title(&rows);
	print_head(&l);
	for (uint32_t i = 0; i < shown; i++)
		print_row(&rows, &rows.at[i], &l);
	if (l.columns && shown < rows.n)
		printf("%u more rows (-r %u shows all)\n", rows.n - shown, rows.n);
	print_total(&rows);
	free(rows.at);
}

/* ---------------------------------------------------------------- CSV, JSON */

void growth_print_csv(const struct growth_report *report)
{
	struct rows rows = make_rows(report);

	puts("growth,growth_allocations,growth_per_minute,allocations_per_minute,size,allocations,low,high,grew,"
	     "intervals,oldest_ms,median_ms,word,name,file,line,pid,freed,collected");
	for (uint32_t i = 0; wanted(&rows, i); i++) {
		const struct grown *g = &rows.at[i].g;
		const struct origin *o = origins_origin(report->origins, rows.at[i].place);
		printf("%.0Lf,%.0Lf,%.0f,%.3f,%" PRIu64 ",%" PRIu64 ",", growth_bytes(g), growth_count(g),
		       a_minute(&rows, growth_bytes(g)), a_minute(&rows, growth_count(g)), g->now.bytes, g->now.count);
		printf("%" PRIu64 ",%" PRIu64 ",%u,%u,", g->low, g->high, g->rose, rows.intervals);
		printf("%" PRIu64 ",%" PRIu64 ",%s,", g->oldest_ms, g->median_ms, growth_word_text(g->word));
		report_csv_field(stdout, o->name);
		putchar(',');
		report_csv_field(stdout, o->place);
		printf(",%u,%u,%" PRIu64 ",", o->line, o->pid, g->freed.bytes);
		if (report->collections)
			printf("%" PRIu64, g->collected.bytes);
		putchar('\n');
	}
	free(rows.at);
}

static void print_json_numbers(const struct rows *rows, const struct grown *g)
{
	printf("\"growth\":%.0Lf,\"growth_allocations\":%.0Lf,\"growth_per_minute\":%.0f,"
	       "\"allocations_per_minute\":%.3f,\"size\":%" PRIu64 ",\"allocations\":%" PRIu64 ",",
	       growth_bytes(g), growth_count(g), a_minute(rows, growth_bytes(g)), a_minute(rows, growth_count(g)),
	       g->now.bytes, g->now.count);
	printf("\"low\":%" PRIu64 ",\"high\":%" PRIu64 ",\"grew\":%u,", g->low, g->high, g->rose);
	printf("\"oldest_ms\":%" PRIu64 ",\"median_ms\":%" PRIu64 ",\"freed\":%" PRIu64 ",", g->oldest_ms, g->median_ms,
	       g->freed.bytes);
	if (rows->report->collections)
		printf("\"collected\":%" PRIu64 ",", g->collected.bytes);
	printf("\"word\":\"%s\"", growth_word_text(g->word));
}

/* Prints the keys that name the row's origin. */
static void print_json_origin(const struct growth_report *r, const struct origin *o)
{
	switch (r->by) {
	case ORIGINS_LINE:
	case ORIGINS_FUNCTION:
		report_json_text("function", o->name);
		putchar(',');
		report_json_text("file", o->place);
		if (r->by == ORIGINS_LINE)
			printf(",\"line\":%u", o->line);
		printf(",\"language\":\"%s\"", function_language(&(struct function){ .lang = o->lang }));
		return;
	case ORIGINS_PROCESS:
		printf("\"pid\":%u,", o->pid);
		report_json_text("command", o->name);
		return;
	default:
		report_json_text(origins_by_name(r->by), o->name);
	}
}

static void print_json_row(const struct rows *rows, const struct row *row)
{
	const struct growth_report *r = rows->report;

	putchar('{');
	print_json_numbers(rows, &row->g);
	putchar(',');
	print_json_origin(r, origins_origin(r->origins, row->place));
	fputs(",\"course\":[", stdout);
	for (uint32_t i = r->from; i <= r->window.n; i++)
		printf("%s%" PRIu64, i > r->from ? "," : "", growth_sample(r->growth, row->place, i));
	fputs("]}", stdout);
}

void growth_print_json(const struct growth_report *report)
{
	struct rows rows = make_rows(report);

	putchar('{');
	report_json_text("title", report->title);
	putchar(',');
	report_json_text("command", report->command);
	printf(",\"by\":\"%s\",\"begin_ms\":%" PRIu64 ",\"end_ms\":%" PRIu64 ",", origins_by_name(report->by),
	       rows.begin_ms, report->window.end_ms);
	if (report->sampled)
		printf("\"live_bytes_error\":%" PRIu64 ",\"live_allocations_error\":%" PRIu64 ",", report->error.bytes,
		       report->error.count);
	printf("\"interval_ms\":%" PRIu64 ",\"intervals\":%u,\"total\":{", report->window.every_ms, rows.intervals);
	print_json_numbers(&rows, &rows.all);
	printf("},\"total_rows\":%u,\"rows\":[", rows.n);
	for (uint32_t i = 0; wanted(&rows, i); i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_json_row(&rows, &rows.at[i]);
	}
	puts("]}");
	free(rows.at);
}
