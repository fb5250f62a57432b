/*
 * report.c - what all reports of a tally print alike
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tool.h"

void report_title(const struct tally *t)
{
	char *title = tool_printable(t->title), *command = tool_printable(t->command);

	printf("%s%s%s\n", command, *command ? ": " : "", title);
	free(title);
	free(command);
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
}
