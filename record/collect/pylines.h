/*
 * pylines.h - the line an instruction belongs to
 */
#ifndef PYLINES_H
#define PYLINES_H

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/*
 * A place in a line table: that of the entry found last, from where the next search of that table goes on. Begins all
 * zero.
 */
struct py_place {
	size_t at;			/* bytes of the table before it */
	int byte, line;			/* where the instructions it speaks of begin, the line before */
};

/*
 * Returns the line of the instruction at byte `lasti` of a code object, whose line
 * table of n bytes is in `format`. Before the first instruction (lasti < 0) it is
 * `first_line`. -1: no line; the compiler made the instruction for itself, or the
 * table is cut short or absent (WIRE_LINES_NONE). Any bytes will do as a table.
 * It is cheap for an instruction after the one that was asked for before, with the same `from`.
 */
int py_line(struct py_place *from, enum wire_lines format, const uint8_t *table, size_t n, int first_line, int lasti);

#endif
