/*
 * parts.c - which part of a recording is written, and in how many files
 */
#include "parts.h"

#include <string.h>
#include <strings.h>

#include "error.h"
#include "span.h"
#include "tool.h"
#include "units.h"

#define PARTS 4			/* of a window; one more is being written */
#define LEAST_WINDOW (1u << 20)

static bool parse_amount(const char *text, struct parts_amount *a)
{
	struct span span;
	size_t n = strlen(text);

	*a = (struct parts_amount){ 0 };
	if (parse_span(text, &span) && !span.is_percent)
		a->ms = span_ms(&span, 0);
	else if (n && (text[n - 1] == 'B' || text[n - 1] == 'b') && !parse_size(text, &a->bytes))
		return false;
	return a->ms || a->bytes;
}

struct parts_amount parts_amount(const char *text, const char *option)
{
	struct parts_amount a;

	if (!parse_amount(text, &a))
		usage_die("%s: '%s' is neither a time, such as 10min, nor a size, such as 500MB", option, text);
	return a;
}

struct moment parts_moment(const char *text, const char *option)
{
	struct parts_amount a;
	bool rss = strncasecmp(text, "RSS>", 4) == 0, heap = strncasecmp(text, "HEAP>", 5) == 0;

	if (rss || heap)
		return (struct moment){ rss ? MOMENT_RSS : MOMENT_HEAP, tool_size(strchr(text, '>') + 1, option) };
	if (!parse_amount(text, &a))
		usage_die("%s: '%s' is neither 'RSS>SIZE' nor 'HEAP>SIZE', a time, such as 10min, or a size, such as "
			  "500MB", option, text);
	return a.ms ? (struct moment){ MOMENT_TIME, a.ms } : (struct moment){ MOMENT_TRACE, a.bytes };
}

bool parts_are_files(const struct parts *p)
{
	return p->last.ms || p->last.bytes || p->rotate.ms || p->rotate.bytes;
}

void parts_check(const struct parts *p, const char *output)
{
	if (parts_are_files(p) && !output)
		usage_die("--last and --rotate need -o FILE: their files are named after it");
	if (p->last.bytes && p->last.bytes < LEAST_WINDOW)
		usage_die("--last: a window has at least 1MiB");
	if (p->begin.what == MOMENT_TRACE)
		usage_die("--begin-at: a trace that has not begun has no size: give RSS>SIZE, HEAP>SIZE or a time");
	if (p->begin.what == MOMENT_TIME && p->until.what == MOMENT_TIME && p->begin.at >= p->until.at)
		usage_die("--begin-at is not before --until");
}

/* A window is kept in parts: it moves by one of them. */
void parts_rules(const struct parts *p, struct segment_rules *r)
{
	r->part_ms = p->rotate.ms ? p->rotate.ms : p->rotate.bytes ? 0 : (p->last.ms + PARTS - 1) / PARTS;
	r->part_bytes = p->rotate.bytes ? p->rotate.bytes : p->rotate.ms ? 0 : p->last.bytes / PARTS;
	r->keep_ms = p->last.ms;
	r->keep_bytes = p->last.bytes;
	r->begin = p->begin;
	r->until = p->until;
}
