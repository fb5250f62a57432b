/*
 * folded.h - folded lines: one stack a line, "outermost;…;innermost NUMBER"
 *
 * Lines of a difference have two numbers, before and after, as difffolded.pl
 * and memdiff write them. An input that may be a trace or folded lines is
 * opened here: its first bytes decide, however slowly they arrive.
 *
 * Other programs' lines are read too: blanks or tabs before the number,
 * decimals (rounded to the nearest whole number), "# …" comment lines
 * (austin), a byte order mark, CR LF. A line of a number alone (py-spy) is of
 * the stack "[no stack]".
 *
 * All who read folded lines fail alike: lines before a bad one count,
 * folded_finish() names it, and the exit status is 1. An input whose first
 * line is bad is not folded lines at all, and ends the program.
 */
#ifndef FOLDED_H
#define FOLDED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "calltree.h"
#include "memtrace.h"

struct folded;

/*
 * Open a file ("-" is standard input) and read its first bytes. Dies if it
 * cannot be opened or is a folder. `path` is borrowed.
 */
struct folded *folded_open(const char *path);
/* The path as messages name it: "standard input" for "-". */
const char *folded_name(const struct folded *f);
/* Whether the first bytes are a trace's, not text. */
bool folded_is_trace(const struct folded *f);
/* That trace; f is freed. Dies if its header cannot be read. */
struct mt_in *folded_trace(struct folded *f);

/*
 * Whether the lines have two numbers each; if so, folded_next() gives both from
 * now on. Every line of the first MiB must have two, so that a function's name
 * that ends in a number does not make a difference of a file. Before the first
 * folded_next(); whoever never asks reads one number a line.
 */
bool folded_is_difference(struct folded *f);

struct folded_line {
	const char *stack;	/* "outermost;…;innermost", not 0-terminated */
	size_t n;
	uint64_t number[2];	/* of a difference before and after; else [1] is 0 */
	const size_t *end;	/* where each frame ends in `stack` */
	size_t frames;
	size_t same;		/* this many outermost frames are those of the line before */
};

/* The next line, valid until the next call. False: the end, or a bad line; folded_finish() reports which. */
bool folded_next(struct folded *f, struct folded_line *line);
/* Frame i of a line: n bytes. */
const char *folded_frame(const struct folded_line *line, size_t i, size_t *n);
/* The line that folded_next() gave last is bad for the caller's own reason (static text): reading ends with it. */
void folded_reject(struct folded *f, const char *why);
/* Report what was bad, close and free. The exit status: 0, or 1. */
int folded_finish(struct folded *f);

/* The line's node in a tree. `nodes` is the caller's array of the line before, which grows as needed: zero it first. */
struct folded_nodes {
	uint32_t *at;
	size_t cap;
};
uint32_t folded_node(struct calltree *t, const struct folded_line *line, struct folded_nodes *nodes);

/*
 * Write the stacks of a tree that have a number of their own: the first, or
 * with `difference` both. Depth first, callees in the order of their names.
 */
void folded_write(FILE *out, struct calltree *t, bool difference);

#endif
