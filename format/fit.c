/*
 * fit.c - fit text into a number of columns
 */
#include "fit.h"

#include <string.h>

#include "tool.h"
#include "xmalloc.h"

/* Returns the end of the first n characters. */
static const char *skip(const char *p, size_t n)
{
	while (*p && n-- > 0)
		do
			p++;
		while (((unsigned char)*p & 0xc0) == 0x80);
	return p;
}

/* Returns the place in "name at place", "name (place)", "name [place]", "name:/place", "/place"; NULL without one. */
static const char *place_in(const char *text)
{
	static const char *const before[] = { " at [", " at ", " (", " [" };

	if (text[0] == '/')
		return text;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		const char *place = NULL;
		for (const char *p = text; (p = strstr(p, before[i])) != NULL; p += strlen(before[i]))
			place = p + strlen(before[i]);
		if (place && strchr(place, '/'))
			return place;
	}
	const char *colon = strstr(text, ":/");
	return colon ? colon + 1 : NULL;
}

/* Returns the text with the longest part of its path that fits, from a '/' on; NULL if none fits. */
static char *without_folders(const char *text, const char *place, size_t columns)
{
	size_t before = tool_columns(text) - tool_columns(place) + 1;

	for (const char *part = place; (part = strchr(part, '/')) != NULL; part++)
		if (before + tool_columns(part) <= columns)
			return xasprintf("%.*s…%s", (int)(place - text), text, part);
	return NULL;
}

#define LEAST_NAME 6	/* shorter names are useless */

/* Cuts the end of the name and keeps the file's name; if that does not fit, cuts it off. */
static char *without_name(const char *text, const char *place, size_t columns)
{
	const char *file = strrchr(place, '/');
	size_t n = tool_columns(file), head = n + 1 + LEAST_NAME <= columns ? columns - 1 - n : columns - 1;
	const char *end = skip(text, head);

	return xasprintf("%.*s…%s", (int)(end - text), text, head < columns - 1 ? file : "");
}

static char *without_middle(const char *text, size_t columns)
{
	size_t n = tool_columns(text), head = (columns - 1) / 2, tail = columns - 1 - head;
	const char *end = skip(text, head);

	return xasprintf("%.*s…%s", (int)(end - text), text, skip(text, n - tail));
}

char *fit(const char *text, size_t columns)
{
	if (tool_columns(text) <= columns)
		return xstrdup(text);
	if (columns == 0)
		return xstrdup("");
	const char *place = place_in(text);
	if (!place)
		return without_middle(text, columns);
	char *fitted = without_folders(text, place, columns);
	return fitted ? fitted : without_name(text, place, columns);
}
