/*
 * report.c - the common parts of reports, printed on standard output
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "json.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

void report_title(const struct tally *t)
{
	char *title = tool_printable(t->title), *command = tool_printable(t->command);

	printf("%s%s%s\n", command, *command ? ": " : "", title);
	free(title);
	free(command);
}

char *report_total(const struct tally *t)
{
	char size[SIZE_TEXT], count[28], size_error[SIZE_TEXT], count_error[28];

	if (!t->sample_bytes)
		return xasprintf("%s in %s allocation%s", size_text(t->total.bytes, size),
				 count_text(t->total.count, count), t->total.count == 1 ? "" : "s");
	return xasprintf("%s ± %s in %s ± %s allocations", size_text(t->total.bytes, size),
			 size_text(t->error.bytes, size_error), count_text(t->total.count, count),
			 count_text(t->error.count, count_error));
}

void report_arenas(uint64_t bytes)
{
	char size[SIZE_TEXT];

	if (bytes)
		printf("%s are arenas; record with -A to see the objects in them\n", size_text(bytes, size));
}

char *report_location(const char *name, const char *place, uint32_t line, bool native)
{
	char *shown_name = tool_printable(*name ? name : "[unknown]"), *shown_place = tool_printable(place);
	char number[16] = "";
	bool brackets = native && *place;

	if (line)
		snprintf(number, sizeof number, ":%u", line);
	char *text = xasprintf("%s%s%s%s%s%s", shown_name, *place ? " at " : "", brackets ? "[" : "", shown_place,
			       number, brackets ? "]" : "");
	free(shown_name);
	free(shown_place);
	return text;
}

char *report_source(const struct sources *s, const char *file, uint32_t line)
{
	const struct source *source = s ? sources_find(s, file, line) : NULL;
	struct mt_str text = source ? source_line(source) : (struct mt_str){ "", 0 };
	char *copy = xasprintf("%.*s", (int)text.n, text.p), *shown = tool_printable(copy);

	free(copy);
	return shown;
}

void report_source_after(const struct sources *s, const char *file, uint32_t line, size_t columns, size_t used)
{
	char *text = report_source(s, file, line), *shown = text;

	if (*text && (!columns || columns >= used + 12)) {
		if (columns)
			shown = fit(text, columns - used - 2);
		printf("  %s%s%s", tool_colour() ? "\033[2m" : "", shown, tool_colour() ? "\033[0m" : "");
	}
	if (shown != text)
		free(shown);
	free(text);
}

void report_json_source(const struct sources *s, const char *file, uint32_t line)
{
	if (!s)
		return;
	char *text = report_source(s, file, line);
	putchar(',');
	if (*text)
		report_json_text("source", text);
	else
		fputs("\"source\":null", stdout);
	free(text);
}

double report_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

const char *report_colour(double share)
{
	if (share <= .05 || !tool_colour())
		return "";
	return share > .6 ? "\033[31m" : share > .2 ? "\033[33m" : "\033[32m";
}

const char *report_colour_end(double share)
{
	return *report_colour(share) ? "\033[0m" : "";
}

void report_csv_field(FILE *out, const char *raw)
{
	char *text = tool_printable(raw);
	const char *quote = strpbrk(text, ",\"") ? "\"" : "";

	fputs(quote, out);
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			putc('"', out);
		putc(*p, out);
	}
	fputs(quote, out);
	free(text);
}

void report_json_text(const char *key, const char *text)
{
	printf("\"%s\":", key);
	json_text(stdout, text, strlen(text));
}

void report_json_head(const struct tally *t)
{
	putchar('{');
	report_json_text("title", t->title);
	putchar(',');
	report_json_text("command", t->command);
	printf(",\"total_bytes\":%" PRIu64 ",\"total_allocations\":%" PRIu64, t->total.bytes, t->total.count);
	if (t->sample_bytes)
		printf(",\"sample\":%" PRIu64 ",\"total_bytes_error\":%" PRIu64 ",\"total_allocations_error\":%" PRIu64,
		       t->sample_bytes, t->error.bytes, t->error.count);
}
