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

char *fit(const char *text, size_t columns)
{
	size_t n = tool_columns(text);

	if (n <= columns)
		return xstrdup(text);
	if (columns == 0)
		return xstrdup("");
	size_t head = (columns - 1) / 2, tail = columns - 1 - head;
	const char *end = skip(text, head);
	return xasprintf("%.*s…%s", (int)(end - text), text, skip(text, n - tail));
}
