/*
 * report.h - what all reports of a tally print alike, on standard output
 */
#ifndef REPORT_H
#define REPORT_H

#include "tally.h"

/* "COMMAND: TITLE", a line. */
void report_title(const struct tally *t);
/* A part of the whole; 0 of nothing. */
double report_share(uint64_t part, uint64_t whole);
/*
 * What begins the colour of a number that is such a share (memray's: red over
 * 60 %, yellow over 20 %, green over 5 %), and what ends it; "" where
 * there is none, or no colour is wanted (tool_colour()).
 */
const char *report_colour(double share);
const char *report_colour_end(double share);
/* "KEY":"TEXT" of a JSON object. */
void report_json_text(const char *key, const char *text);
/* The beginning of the object: {"title":…,"command":…,"total_bytes":…,"total_allocations":… */
void report_json_head(const struct tally *t);

#endif
