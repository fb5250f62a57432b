/*
 * report.c - print memstats' figures as text or JSON
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fit.h"
#include "json.h"
#include "places.h"
#include "stats.h"
#include "tool.h"
#include "units.h"

#define BAR_WIDTH 25

struct allocator {
	char name[32];		/* as in memray: "MALLOC" */
	uint64_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct allocator *p = a, *q = b;

	return p->count != q->count ? (p->count < q->count ? 1 : -1) : strcmp(p->name, q->name);
}

/* Finds the allocators that were used, the most used first; returns their number. */
static size_t find_allocators(const struct stats *s, struct allocator found[256])
{
	size_t n = 0;

	for (unsigned i = 0; i < 256; i++) {
		if (!s->by_allocator[i])
			continue;
		struct allocator *a = &found[n++];
		a->count = s->by_allocator[i];
		if (i > 0 && i < MT_N_ALLOCATORS)
			snprintf(a->name, sizeof a->name, "%s", mt_allocator_name(i));
		else
			snprintf(a->name, sizeof a->name, "allocator_%u", i);
		for (char *p = a->name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
	}
	qsort(found, n, sizeof *found, by_count);
	return n;
}

/* "2026-01-02 03:04:05.678", in this machine's time zone; "" = not known. */
static const char *time_text(uint64_t ns, char buf[40])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	char date[28];

	buf[0] = '\0';
	if (ns && localtime_r(&seconds, &tm) && strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, 40, "%s.%03u", date, (unsigned)(ns / 1000000 % 1000));
	return buf;
}

static uint64_t end_ns(const struct stats *s)
{
	return s->start_ns ? s->start_ns + s->end_ms * 1000000 : 0;
}

/* ---------------------------------------------------------------- text */

static void print_printable(const char *text)
{
	char *shown = tool_printable(text);

	fputs(shown, stdout);
	free(shown);
}

static void print_heading(const char *text)
{
	bool colour = tool_colour();

	printf("\n%s%s%s\n", colour ? "\033[1m" : "", text, colour ? "\033[0m" : "");
}

static void print_amount(const char *name, struct amount a)
{
	char size[SIZE_TEXT], count[28];

	printf("%-26s%s in %s allocation%s\n", name, size_text(a.bytes, size), count_text(a.count, count),
	       a.count == 1 ? "" : "s");
}

static void print_number(const char *name, uint64_t n)
{
	char count[28];

	printf("%-26s%s\n", name, count_text(n, count));
}

static const struct {
	const char *text, *key;
} sorts[N_SORTS] = {
	[SORT_HEAP] = { "  heap:", "peak_heap" },
	[SORT_ANONYMOUS] = { "  anonymous mappings:", "peak_anonymous" },
	[SORT_RESERVED] = { "Reserved (not counted):", "peak_reserved" },
	[SORT_FILE] = { "Of files (not counted):", "peak_file_backed" },
};

/* Prints "± 1.2MB" after a figure of a sampled trace. */
static void print_error(const struct stats *s, const char *error)
{
	if (s->sample_bytes)
		printf(" ± %s", error);
}

/* Prints the sorts of memory that occur; nothing if everything is heap. */
static void print_sorts(const struct stats *s)
{
	char size[SIZE_TEXT];

	if (s->mappings)	/* then the totals count them */
		return;
	for (int i = s->sorts[SORT_ANONYMOUS] ? SORT_HEAP : SORT_RESERVED; i < N_SORTS; i++)
		if (s->sorts[i])
			printf("%-26s%s\n", sorts[i].text, size_text(s->sorts[i], size));
}

/* Resident memory beyond the heap: freed but kept by the allocator, or not recorded (code, files, what was before). */
static void print_end(const struct stats *s)
{
	const struct resident_sizes *end = &s->end_resident;
	char heap[SIZE_TEXT], rss[SIZE_TEXT], size[SIZE_TEXT];

	if (!end->rss)
		return;
	printf("%-26sheap %s, resident %s", "At the end:", size_text(s->end_heap, heap), size_text(end->rss, rss));
	if (end->rss > s->end_heap)
		printf(": %s more", size_text(end->rss - s->end_heap, size));
	putchar('\n');
	if (end->proportional)
		printf("%-26s%s, proportional %s\n", "  private:", size_text(end->private, rss),
		       size_text(end->proportional, size));
	if (end->swap)
		printf("%-26s%s\n", "  swap:", size_text(end->swap, size));
}

static const char *const verdicts[] = {
	[VERDICT_IN_USE] = "in use", [VERDICT_FRAGMENTATION] = "fragmentation",
	[VERDICT_CACHE] = "allocator's cache", [VERDICT_UNKNOWN] = "not known",
};

static void print_verdict(const struct verdict *v)
{
	char unused[SIZE_TEXT], resident[SIZE_TEXT], trim[SIZE_TEXT];

	if (v->kind == VERDICT_NONE)
		return;
	printf("%-26s%s", "Verdict:", verdicts[v->kind]);
	if (v->kind == VERDICT_UNKNOWN) {
		puts(": only a sample of the blocks was recorded");
		return;
	}
	printf(": %s of %s resident are free but held;\n", size_text(v->unused, unused),
	       size_text(v->resident, resident));
	if (v->kind == VERDICT_IN_USE)
		printf("%-26smemgrow and memleak show what grows\n", "");
	else if (v->kind == VERDICT_FRAGMENTATION)
		printf("%-26smemfrag shows whose blocks pin them; malloc_trim(0) would return %s\n", "",
		       size_text(v->trim, trim));
	else
		printf("%-26smalloc_trim(0) would return %s\n", "", size_text(v->trim, trim));
}

/* What the system says, where it was sampled. */
static void print_resident(const struct stats *s)
{
	const struct resident_sizes *peak = &s->peak_resident;
	char size[SIZE_TEXT];

	if (peak->rss)
		printf("%-26s%s\n", "Peak resident memory:", size_text(peak->rss, size));
	if (peak->proportional)
		printf("%-26s%s, with shared pages counted once\n", "  proportional:",
		       size_text(peak->proportional, size));
	if (peak->private)
		printf("%-26s%s, in pages of one process alone\n", "  private:", size_text(peak->private, size));
	if (peak->swap)
		printf("%-26s%s\n", "Peak swap:", size_text(peak->swap, size));
	if (s->recorder_bytes)
		printf("%-26s%s more, in the recorded processes\n", "The recorder's:",
		       size_text(s->recorder_bytes, size));
	print_end(s);
	print_verdict(&s->verdict);
	if (s->attached)
		printf("%-26sheap counts from the attach on;\n%-26sresident sizes include earlier memory\n",
		       "Attached:", "");
}

static void print_totals(const struct stats *s)
{
	char size[SIZE_TEXT], count[28], when[40];
	uint64_t arenas = stacks_arena_bytes(s->stacks, s->at, s->n);

	printf("%-26s%s", "Total allocations:", count_text(s->all.count, count));
	print_error(s, count_text(s->all_error.count, count));
	printf("\n%-26s%s", "Total memory allocated:", size_text(s->all.bytes, size));
	print_error(s, size_text(s->all_error.bytes, size));
	printf("\n%-26s%s", "Peak memory usage:", size_text(s->peak.bytes, size));
	print_error(s, size_text(s->peak_error.bytes, size));
	printf(" in %s", count_text(s->peak.count, count));
	print_error(s, count_text(s->peak_error.count, count));
	printf(" allocation%s", s->peak.count == 1 ? "" : "s");
	if (s->n_traces == 1)
		printf(", after %.3f s", (double)s->peak_ms / 1000);
	else
		printf(", the sum of %u traces, each at its own peak", s->n_traces);
	putchar('\n');
	if (arenas)
		printf("%-26s%s; record with -A to see the objects in them\n", "Arenas:", size_text(arenas, size));
	print_sorts(s);
	print_number("Frees:", s->freed.count);
	print_amount("Never freed:", s->leaked);
	print_number("Processes:", s->processes);
	print_number("Threads:", s->threads);
	print_resident(s);
	if (s->start_ns)
		printf("%-26s%s\n", "Recorded:", time_text(s->start_ns, when));
	printf("%-26s%.3f s\n", "Duration:", (double)s->end_ms / 1000);
	if (s->unknown_frees)
		print_number("Frees of unknown blocks:", s->unknown_frees);
	print_number("Lost events:", s->lost);
}

static void print_histogram(const struct stats *s)
{
	struct histogram h = sizes_histogram(s->sizes);
	char size[SIZE_TEXT];
	uint64_t most = 1;
	int width = 1;

	print_heading("Histogram of allocation size:");
	if (!h.n) {
		puts("\t<no data for histogram>");
		return;
	}
	for (size_t i = 0; i < h.n; i++) {
		int digits = snprintf(NULL, 0, "%llu", (unsigned long long)h.bins[i].count);
		width = digits > width ? digits : width;
		most = h.bins[i].count > most ? h.bins[i].count : most;
	}
	printf("\tmin: %s\n", size_text(h.min, size));
	for (size_t i = 0; i < h.n; i++) {
		uint64_t count = h.bins[i].count;
		int bar = (int)((double)count / (double)most * BAR_WIDTH + .999999);
		printf("\t%s%-10s: %*llu%s", i + 1 < h.n ? "< " : "<=", size_text(h.bins[i].end, size), width,
		       (unsigned long long)count, bar ? " " : "");
		for (; bar > 0; bar--)
			fputs("▇", stdout);
		putchar('\n');
	}
	printf("\tmax: %s\n", size_text(h.max, size));
}

static void print_allocators(const struct stats *s)
{
	struct allocator found[256];
	size_t n = find_allocators(s, found);

	print_heading("Allocator type distribution:");
	for (size_t i = 0; i < n; i++)
		printf("\t%s: %llu\n", found[i].name, (unsigned long long)found[i].count);
}

enum show { SHOW_SIZE, SHOW_COUNT, SHOW_BOTH };

/* "load:/srv/app.py:3 -> 2.5MB"; on a terminal the place is cut to its width. */
static void print_place(const char *name, const char *amount)
{
	unsigned lines, columns;
	size_t others = strlen("\t- ") + 7 + strlen(amount);
	char *shown = tool_printable(name);

	if (tool_terminal(&lines, &columns)) {
		char *whole = shown;
		shown = fit(whole, columns > others + 20 ? columns - others : 20);
		free(whole);
	}
	printf("\t- %s%s\n", shown, amount);
	free(shown);
}

static void print_places(const char *what, const char *by, const struct places *p, size_t top, enum show show)
{
	char heading[128], size[SIZE_TEXT], amount[96];

	snprintf(heading, sizeof heading, "Top %zu allocating %s (by %s):", top, what, by);
	print_heading(heading);
	for (size_t i = 0; i < p->n && i < top; i++) {
		struct amount all = p->at[i].all;
		if (show == SHOW_SIZE)
			snprintf(amount, sizeof amount, " -> %s", size_text(all.bytes, size));
		else if (show == SHOW_COUNT)
			snprintf(amount, sizeof amount, " -> %llu", (unsigned long long)all.count);
		else
			snprintf(amount, sizeof amount, ": %s total | %llu allocations", size_text(all.bytes, size),
				 (unsigned long long)all.count);
		print_place(p->at[i].name, amount);
	}
}

void print_stats(const struct stats *s, size_t top)
{
	struct places lines = places_lines(s->stacks, s->at, s->n);
	struct places modules = places_modules(s->stacks, s->at, s->n);

	print_printable(s->command);
	fputs(*s->command ? ": " : "", stdout);
	print_printable(s->title);
	puts("\n");
	print_totals(s);
	print_histogram(s);
	print_allocators(s);
	places_sort_by_size(&lines);
	print_places("locations", "size", &lines, top, SHOW_SIZE);
	places_sort_by_count(&lines);
	print_places("locations", "number of allocations", &lines, top, SHOW_COUNT);
	places_sort_by_size(&modules);
	print_places("modules", "size", &modules, top, SHOW_BOTH);
	places_sort_by_count(&modules);
	print_places("modules", "number of allocations", &modules, top, SHOW_BOTH);
	places_free(&lines);
	places_free(&modules);
}

/* ---------------------------------------------------------------- JSON */

static void json_key(const char *key)
{
	printf("\"%s\":", key);
}

static void json_string(const char *key, const char *text)
{
	json_key(key);
	json_text(stdout, text, strlen(text));
}

static void json_number(const char *key, uint64_t n)
{
	json_key(key);
	printf("%llu", (unsigned long long)n);
}

static void json_bool(const char *key, bool yes)
{
	json_key(key);
	fputs(yes ? "true" : "false", stdout);
}

static void json_histogram(const struct stats *s)
{
	struct histogram h = sizes_histogram(s->sizes);
	uint64_t from = 0;

	fputs("\"allocation_size_histogram\":[", stdout);
	for (size_t i = 0; i < h.n; i++) {
		uint64_t end = h.bins[i].end;
		fputs(i ? ",{" : "{", stdout);
		json_number("min_bytes", from);
		putchar(',');
		/* The last bin includes its end. Bins narrower than a byte must not get a negative maximum. */
		json_number("max_bytes", end - (i + 1 < h.n && end > 0));
		putchar(',');
		json_number("count", h.bins[i].count);
		putchar('}');
		from = end;
	}
	fputs("],\n", stdout);
}

static void json_allocators(const struct stats *s)
{
	struct allocator found[256];
	size_t n = find_allocators(s, found);

	fputs("\"allocator_type_distribution\":{", stdout);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? "," : "", stdout);
		json_number(found[i].name, found[i].count);
	}
	fputs("},\n", stdout);
}

static void json_lines(const char *key, const struct places *p, size_t top, bool by_size)
{
	json_key(key);
	putchar('[');
	for (size_t i = 0; i < p->n && i < top; i++) {
		fputs(i ? ",{" : "{", stdout);
		json_string("location", p->at[i].name);
		putchar(',');
		json_number(by_size ? "size" : "count", by_size ? p->at[i].all.bytes : p->at[i].all.count);
		putchar('}');
	}
	fputs("],\n", stdout);
}

static void json_modules(const char *key, const struct places *p, size_t top)
{
	json_key(key);
	putchar('[');
	for (size_t i = 0; i < p->n && i < top; i++) {
		fputs(i ? ",{" : "{", stdout);
		json_string("module", p->at[i].name);
		putchar(',');
		json_number("num_allocations", p->at[i].all.count);
		putchar(',');
		json_number("total_bytes", p->at[i].all.bytes);
		putchar('}');
	}
	fputs("],\n", stdout);
}

static void json_places(const struct stats *s, size_t top)
{
	struct places lines = places_lines(s->stacks, s->at, s->n);
	struct places modules = places_modules(s->stacks, s->at, s->n);

	places_sort_by_size(&lines);
	json_lines("top_allocations_by_size", &lines, top, true);
	places_sort_by_count(&lines);
	json_lines("top_allocations_by_count", &lines, top, false);
	places_sort_by_size(&modules);
	json_modules("top_modules_by_allocation_size", &modules, top);
	places_sort_by_count(&modules);
	json_modules("top_modules_by_allocation_count", &modules, top);
	places_free(&lines);
	places_free(&modules);
}

/* A member and a comma; not for the last member of an object. */
#define JSON(kind, key, value) \
	do { \
		json_##kind(key, value); \
		putchar(','); \
	} while (0)

/* The keys that memray does not have. */
static void json_ours(const struct stats *s)
{
	JSON(string, "title", s->title);
	JSON(number, "total_frees", s->freed.count);
	JSON(number, "leaked_bytes", s->leaked.bytes);
	JSON(number, "leaked_allocations", s->leaked.count);
	JSON(number, "peak_allocations", s->peak.count);
	JSON(number, "peak_time_ms", s->peak_ms);
	if (s->sample_bytes) {
		JSON(number, "sample", s->sample_bytes);
		JSON(number, "total_bytes_error", s->all_error.bytes);
		JSON(number, "total_allocations_error", s->all_error.count);
		JSON(number, "peak_memory_error", s->peak_error.bytes);
		JSON(number, "peak_allocations_error", s->peak_error.count);
	}
	for (int i = 0; i < N_SORTS; i++)
		JSON(number, sorts[i].key, s->sorts[i]);
	JSON(number, "arena_bytes", stacks_arena_bytes(s->stacks, s->at, s->n));
	JSON(number, "peak_rss", s->peak_resident.rss);
	JSON(number, "peak_private", s->peak_resident.private);
	JSON(number, "peak_proportional", s->peak_resident.proportional);
	JSON(number, "peak_swap", s->peak_resident.swap);
	JSON(number, "recorder_bytes", s->recorder_bytes);
	JSON(number, "end_heap", s->end_heap);
	JSON(number, "end_rss", s->end_resident.rss);
	JSON(number, "end_private", s->end_resident.private);
	JSON(number, "end_proportional", s->end_resident.proportional);
	JSON(number, "end_swap", s->end_resident.swap);
	if (s->verdict.kind != VERDICT_NONE) {
		JSON(string, "verdict", verdicts[s->verdict.kind]);
		JSON(number, "census_resident", s->verdict.resident);
		JSON(number, "census_unused", s->verdict.unused);
		JSON(number, "malloc_trim", s->verdict.trim);
	}
	JSON(number, "duration_ms", s->end_ms);
	JSON(number, "processes", s->processes);
	JSON(number, "attached", s->attached);
	JSON(number, "threads", s->threads);
	JSON(number, "unknown_frees", s->unknown_frees);
	JSON(number, "lost_events", s->lost);
	JSON(number, "traces", s->n_traces);
	putchar('\n');
}

static void json_metadata(const struct stats *s)
{
	char when[40];

	fputs("\"metadata\":{", stdout);
	JSON(string, "start_time", time_text(s->start_ns, when));
	JSON(string, "end_time", time_text(end_ns(s), when));
	JSON(number, "total_allocations", s->all.count);
	JSON(number, "total_frames", stacks_frame_count(s->stacks) - 1);
	JSON(number, "peak_memory", s->peak.bytes);
	JSON(string, "command_line", s->command);
	JSON(number, "pid", s->pid);
	JSON(number, "main_thread_id", s->pid);
	JSON(string, "python_version", s->python);
	JSON(bool, "has_native_traces", s->native);
	JSON(bool, "trace_python_allocators", s->python_allocators);
	JSON(bool, "follow_fork", s->follow_fork);
	json_string("file_format", "memtrace");
	putchar('}');
}

void print_stats_json(const struct stats *s, size_t top)
{
	putchar('{');
	JSON(number, "total_num_allocations", s->all.count);
	JSON(number, "total_bytes_allocated", s->all.bytes);
	putchar('\n');
	json_histogram(s);
	json_allocators(s);
	json_places(s, top);
	json_ours(s);
	json_metadata(s);
	puts("}");
}
