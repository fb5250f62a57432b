/*
 * pylines.h - finds the source line of a Python instruction
 */
#ifndef PYLINES_H
#define PYLINES_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/*
 * A position in a line table: that of the entry found last, where the next search in the table continues. Initially
 * zero.
 */
struct py_place {
	size_t at;			/* bytes of the table before it */
	int byte, line;			/* the first instruction of its entry, and the line before it */
};

/*
 * Returns the line of the instruction at byte `lasti` of a code object, whose line
 * table of n bytes is in `format`. Before the first instruction (lasti < 0) it is
 * `first_line`. Returns -1 if there is no line: the compiler added the instruction, or the
 * table is truncated or absent (WIRE_LINES_NONE). The table may contain any bytes.
 * A call for a later instruction than the last call's, with the same `from`, is cheap.
 */
int py_line(struct py_place *from, enum wire_lines format, const uint8_t *table, size_t n, int first_line, int lasti);

#endif
