/*
 * report.h - the common parts of reports, printed on standard output
 */
#ifndef REPORT_H
#define REPORT_H

#include "tally.h"

/* Prints a line, "COMMAND: TITLE". */
void report_title(const struct tally *t);
/* Prints a line that says so many bytes are arenas of Python's allocator, unless there are none. */
void report_arenas(uint64_t bytes);
/* Returns part / whole; 0 if the whole is 0. */
double report_share(uint64_t part, uint64_t whole);
/*
 * Return the escape sequences that begin and end the colour of such a share
 * (memray's: red over 60 %, yellow over 20 %, green over 5 %); "" if it has
 * none, or output is not to be coloured (tool_colour()).
 */
const char *report_colour(double share);
const char *report_colour_end(double share);
/*
 * Returns "load at app.py:41", for native code "read at [io.c:7]", without unknown parts ("", 0). The text is safe for
 * a terminal; the caller frees it.
 */
char *report_location(const char *name, const char *place, uint32_t line, bool native);
/* Prints a field of comma-separated values, quoted according to RFC 4180. */
void report_csv_field(const char *text);
/* Prints "KEY":"TEXT" of a JSON object. */
void report_json_text(const char *key, const char *text);
/* Prints the beginning of the object: {"title":…,"command":…,"total_bytes":…,"total_allocations":… */
void report_json_head(const struct tally *t);

#endif
