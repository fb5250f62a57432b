/*
 * text.h - a trace as lines of JSON, and back
 *
 * One object a line, all values absolute; memcat(1) lists the events.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdio.h>

#include "memtrace.h"

/* Write every event of `in`, its first header too. Stops when `out` fails, which ferror(3) tells. */
void write_text(FILE *out, struct mt_in *in);
/* The header as one object on several lines. */
void write_header(FILE *out, const struct mt_header *h);
/* Put every event of a text. Dies at a line that is none, naming it. */
void read_text(FILE *in, const char *name, struct mt_out *out);

#endif
