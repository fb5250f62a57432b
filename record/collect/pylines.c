/*
 * pylines.c - CPython's three line table formats
 *
 * Source: Objects/lnotab_notes.txt (3.8, 3.9; and 3.10, PEP 626) and
 *         InternalDocs/code_objects.md (from 3.11, PEP 657) of CPython.
 */
#include "pylines.h"

#include <stdbool.h>

#define NO_LINE (-1)

/* Any bytes may be a table, so it may wrap around. */
static int sum(int a, int b)
{
	return (int)((unsigned)a + (unsigned)b);
}

/* 3.8, 3.9: pairs of increments (bytes, lines); a line applies from the byte that its pair leads to. */
static int line_lnotab(struct py_place *here, const uint8_t *p, size_t n, int lasti)
{
	for (; here->at + 1 < n && here->byte + p[here->at] <= lasti; here->at += 2) {
		here->byte += p[here->at];
		here->line = sum(here->line, (int8_t)p[here->at + 1]);
	}
	return here->line;
}

/* 3.10: pairs of (length in bytes, line increment, which applies first); -128: no line. */
static int line_pep626(struct py_place *here, const uint8_t *p, size_t n, int lasti)
{
	for (; here->at + 1 < n; here->at += 2) {
		int delta = (int8_t)p[here->at + 1], end = here->byte + p[here->at];
		int line = delta == -128 ? here->line : sum(here->line, delta);
		if (lasti < end)
			return delta == -128 ? NO_LINE : line;
		here->byte = end;
		here->line = line;
	}
	return NO_LINE;
}

struct bytes { const uint8_t *p, *end; };

/* Reads a number of six bits per byte, lowest first; bit 6: another byte follows. Returns false if truncated. */
static bool take_varint(struct bytes *b, uint32_t *v)
{
	*v = 0;
	for (unsigned shift = 0; b->p < b->end; shift += 6) {
		uint8_t c = *b->p++;
		if (shift < 32)
			*v |= (uint32_t)(c & 63) << shift;
		if (!(c & 64))
			return true;
	}
	return false;
}

/* Reads the line increment of an entry of kind `code`, and skips its columns. */
static bool take_lines(struct bytes *b, unsigned code, int *lines)
{
	uint32_t v;
	*lines = 0;
	if (code >= 13) {			/* 13: without columns, 14: with all three */
		if (!take_varint(b, &v))
			return false;
		*lines = v & 1 ? -(int)(v >> 1) : (int)(v >> 1);
		for (unsigned columns = code == 14 ? 3 : 0; columns > 0; columns--)
			if (!take_varint(b, &v))
				return false;
		return true;
	}
	size_t columns = code >= 10 ? 2 : 1;
	if (code >= 10)
		*lines = (int)code - 10;
	if ((size_t)(b->end - b->p) < columns)
		return false;
	b->p += columns;
	return true;
}

/* From 3.11: entries of 1ccccnnn (kind, length - 1 in units of two bytes) followed by the kind's data. */
static int line_pep657(struct py_place *here, const uint8_t *p, size_t n, int lasti)
{
	struct bytes b = { p + here->at, p + n };
	while (b.p < b.end) {
		uint8_t head = *b.p++;
		unsigned code = head >> 3 & 15;
		int lines = 0, end = here->byte + ((head & 7) + 1) * 2;
		if (code != 15 && !take_lines(&b, code, &lines))
			return NO_LINE;
		int line = sum(here->line, lines);
		if (lasti < end)
			return code == 15 ? NO_LINE : line;
		*here = (struct py_place){ (size_t)(b.p - p), end, line };
	}
	return NO_LINE;
}

int py_line(struct py_place *from, enum wire_lines format, const uint8_t *table, size_t n, int first_line, int lasti)
{
	if (format < WIRE_LINES_LNOTAB || format > WIRE_LINES_PEP657)
		return NO_LINE;
	if (lasti < 0)
		return first_line;
	if (from->at == 0 || lasti < from->byte)
		*from = (struct py_place){ .line = first_line };
	if (format == WIRE_LINES_LNOTAB)
		return line_lnotab(from, table, n, lasti);
	return format == WIRE_LINES_PEP626 ? line_pep626(from, table, n, lasti) : line_pep657(from, table, n, lasti);
}
