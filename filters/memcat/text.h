/*
 * text.h - a trace as lines of JSON, and back
 *
 * One object a line, all values absolute; memcat(1) lists the events.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdio.h>

#include "memtrace.h"

/* Writes every event of `in`, including its first header. Stops when `out` fails (ferror(3)). */
void write_text(FILE *out, struct mt_in *in);
/* Writes the header as one object on several lines. */
void write_header(FILE *out, const struct mt_header *h);
/* Puts every event of a text. Exits at a line that is not an event, naming it. */
void read_text(FILE *in, const char *name, struct mt_out *out);

#endif
