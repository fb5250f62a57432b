/*
 * out.h - write rows: comma-separated values, or a JSON object each
 *
 * A row is its fields, then its place (places.h): all columns of it, or, if those go to a file of their own, its
 * number. Nothing of a row is written before its place is.
 */
#ifndef MEMROWS_OUT_H
#define MEMROWS_OUT_H

#include "places.h"

struct out;

/* `texts`: a file for the places, NULL: none; the caller keeps it. `names`: the fields' names, "size,bytes". */
struct out *out_new(struct places *places, bool json, FILE *texts, const char *names);
void out_number(struct out *o, const char *name, uint64_t value);
/* The text needs no quotes in CSV. */
void out_word(struct out *o, const char *name, const char *text);
/* Not known, or does not apply. */
void out_null(struct out *o, const char *name);
void out_bool(struct out *o, const char *name, bool value);
/* "2026-11-30 06:37:23.123", in UTC; 0 is null. */
void out_time(struct out *o, const char *name, uint64_t unix_ms);
/* Ends the row. */
void out_place(struct out *o, uint32_t place);
/* Writes everything put so far. */
void out_flush(struct out *o);
/* Flushes and frees. */
void out_end(struct out *o);

#endif
