/*
 * fit.c - fit text into a number of columns
 */
#include "fit.h"

#include <stdbool.h>
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

static bool is_place(const char *p)
{
	return *p == '<' || strchr(p, '/');
}

/*
 * Returns the place in "name at place", "name (place)", "name [place]", "name:/path", "/path"; NULL without one. A
 * place is a path, or "<frozen importlib._bootstrap>:241".
 */
static const char *place_in(const char *text)
{
	static const char *const before[] = { " at [", " at ", " (", " [" };

	if (text[0] == '/')
		return text;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		const char *place = NULL;
		for (const char *p = text; (p = strstr(p, before[i])) != NULL; p += strlen(before[i]))
			place = p + strlen(before[i]);
		if (place && is_place(place))
			return place;
	}
	const char *colon = strstr(text, ":/");
	return colon ? colon + 1 : NULL;
}

/* What a path's parts begin with; those of a frozen module are the names that lead to it. */
static char separator(const char *place)
{
	return *place == '<' ? '.' : '/';
}

/* Returns the last part: "/views.py:3"; a package's own file has its folder's name, "/shop/__init__.py:3". */
static const char *last_part(const char *place)
{
	const char *last = strrchr(place, separator(place)), *folder = last;

	if (!last)
		return place;
	if (strncmp(last, "/__init__.py", 12) == 0 || strncmp(last, "/__main__.py", 12) == 0)
		while (folder > place && *--folder != '/')
			;
	return *folder == '/' ? folder : last;
}

/* A path's part is shown with its '/', that of a module's name without its '.'. */
static const char *shown(const char *part)
{
	return *part == '.' ? part + 1 : part;
}

/* Returns the text with the longest part of its path that fits, at least `last`; NULL if none fits. */
static char *without_folders(const char *text, const char *place, const char *last, size_t columns)
{
	size_t before = tool_columns(text) - tool_columns(place) + 1;

	for (const char *part = place; (part = strchr(part, separator(place))) != NULL && part <= last; part++)
		if (before + tool_columns(shown(part)) <= columns)
			return xasprintf("%.*s…%s", (int)(place - text), text, shown(part));
	return NULL;
}

#define LEAST_NAME 6	/* shorter names are useless */

/* Returns the beginning of the text and the last part; NULL if that leaves too little of a name that says something. */
static char *without_name(const char *text, const char *last, size_t columns)
{
	size_t n = tool_columns(shown(last)), head = n + 1 < columns ? columns - 1 - n : 0;
	bool says_nothing = strncmp(text, "<module>", 8) == 0;

	if (n + 1 > columns || (head < LEAST_NAME && !says_nothing))
		return NULL;
	const char *end = skip(text, head < LEAST_NAME ? 0 : head);
	return xasprintf("%.*s…%s", (int)(end - text), text, shown(last));
}

static char *without_end(const char *text, size_t columns)
{
	const char *end = skip(text, columns - 1);

	return xasprintf("%.*s…", (int)(end - text), text);
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
	const char *file = strrchr(place, separator(place));
	for (const char *last = last_part(place); last; last = last != file ? file : NULL) {
		char *fitted = without_folders(text, place, last, columns);
		if (!fitted)
			fitted = without_name(text, last, columns);
		if (fitted)
			return fitted;
	}
	return without_end(text, columns);
}
