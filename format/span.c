/*
 * span.c - a length of time as people write it, or a part of the whole
 */
#include "span.h"

#include <stdlib.h>
#include <string.h>

#define MS_MAX 9e15	/* smaller doubles are exact to the millisecond */

static const struct unit {
	const char *name;
	double ms;
} units[] = {
	{ "", 1e3 }, { "s", 1e3 }, { "ms", 1 }, { "min", 60e3 }, { "h", 3600e3 }, { NULL, 0 },
};

/* Digits with at most one point: strtod() would also accept signs, blanks, "inf" and "0x1p3". */
static const char *skip_number(const char *text)
{
	size_t whole = strspn(text, "0123456789"), part = 0;

	text += whole;
	if (*text == '.') {
		part = strspn(text + 1, "0123456789");
		text += 1 + part;
	}
	return whole + part > 0 ? text : NULL;
}

bool parse_span(const char *text, struct span *span)
{
	const char *rest = skip_number(text);

	if (!rest)
		return false;
	double number = strtod(text, NULL);
	rest += strspn(rest, " ");
	if (strcmp(rest, "%") == 0) {
		*span = (struct span){ .is_percent = true, .value = number };
		return number <= 100;
	}
	for (const struct unit *u = units; u->name; u++)
		if (strcmp(rest, u->name) == 0) {
			*span = (struct span){ .value = number * u->ms };
			return span->value < MS_MAX;
		}
	return false;
}

uint64_t span_ms(const struct span *span, uint64_t whole_ms)
{
	return (uint64_t)(span->is_percent ? (double)whole_ms * span->value / 100 : span->value);
}
