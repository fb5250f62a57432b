/*
 * parts.h - which part of a recording is written, and in how many files: the options of collect/segments.h
 */
#ifndef PARTS_H
#define PARTS_H

#include "collect/segments.h"

/* A time or a size; both 0: none. */
struct parts_amount {
	uint64_t ms, bytes;
};

struct parts {
	struct parts_amount last, rotate;
	struct moment begin, until;
	const char *begin_text;		/* as it was given */
};

/* The argument of an option, or a usage error that names it: "10min", "500MB" (with its B: 10m could be either). */
struct parts_amount parts_amount(const char *text, const char *option);
/* "RSS>2GB", "HEAP>500MB", "10min"; "500MB" of the trace. */
struct moment parts_moment(const char *text, const char *option);
/* Whether there are several files, named after the output. */
bool parts_are_files(const struct parts *p);
/* Checks them together: a usage error if they contradict each other or the output (NULL: standard output). */
void parts_check(const struct parts *p, const char *output);
/* Fills in the rules of p. */
void parts_rules(const struct parts *p, struct segment_rules *r);

#endif
