/*
 * report.h - the common parts of reports, printed on standard output
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "sources.h"
#include "tally.h"

/* Prints a line, "COMMAND: TITLE". */
void report_title(const struct tally *t);
/*
 * Returns "12.345MB in 1,234 allocations", with standard errors if the trace was sampled: "12.345MB ± 0.400MB in …".
 * The caller frees it.
 */
char *report_total(const struct tally *t);
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
/* The option --source of a report. */
enum { KEY_SOURCE = 768 };
#define REPORT_OPTION_SOURCE { "source", KEY_SOURCE, NULL, "show the lines of source code that the trace contains" }
/*
 * Returns the text of a line without the blanks around it, safe for a terminal; "" if it is not known, or `s` is NULL.
 * The caller frees it.
 */
char *report_source(const struct sources *s, const char *file, uint32_t line);
/*
 * Prints two blanks and that text after a line of a report that has `used` columns; on a terminal of that many columns,
 * cut to its width (0: not on a terminal).
 */
void report_source_after(const struct sources *s, const char *file, uint32_t line, size_t columns, size_t used);
/* Prints ,"source":"TEXT" of a JSON object, null if it is not known; nothing if `s` is NULL. */
void report_json_source(const struct sources *s, const char *file, uint32_t line);
/* Prints a field of comma-separated values, quoted according to RFC 4180. */
void report_csv_field(FILE *out, const char *text);
/* Prints "KEY":"TEXT" of a JSON object. */
void report_json_text(const char *key, const char *text);
/*
 * Prints the beginning of the object: {"title":…,"command":…,"total_bytes":…,"total_allocations":…. Of a sampled trace
 * "sample", "total_bytes_error" and "total_allocations_error" follow.
 */
void report_json_head(const struct tally *t);

#endif
