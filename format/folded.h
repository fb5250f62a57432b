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
 * All readers of folded lines fail alike: the lines before a bad one count,
 * folded_finish() names it, and the exit status is 1. If the first line is
 * bad, the input is not folded lines at all, and the program exits.
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
 * Opens a file ("-" is standard input) and reads its first bytes. Dies if it
 * cannot be opened or is a directory. `path` is borrowed.
 */
struct folded *folded_open(const char *path);
/* Returns the path for messages: "standard input" for "-". */
const char *folded_name(const struct folded *f);
/* Returns whether the first bytes are those of a trace, not of text. */
bool folded_is_trace(const struct folded *f);
/* Returns a reader of that trace, and frees f. Dies if its header cannot be read. */
struct mt_in *folded_trace(struct folded *f);

/*
 * Returns whether the lines have two numbers each; folded_next() then returns both.
 * Every line of the first MiB must have two, so that a function whose name ends
 * in a number does not turn a file into a difference. Must come before the first
 * folded_next(); without this call, lines have one number.
 */
bool folded_is_difference(struct folded *f);

/* One of the two inputs of a difference, as memdiff's comments name it: '# before: "old.lz4" never freed'. */
struct folded_side {
	char *name;	/* NULL: not known */
	char *title;	/* of its numbers; "" = not known */
};
/* Returns side 0 (before) or 1 (after), from comments in the first MiB; valid until folded_finish(). */
const struct folded_side *folded_side(const struct folded *f, int which);
/* Writes that comment; `title` may be NULL. Both texts may contain anything. */
void folded_write_side(FILE *out, int which, const char *name, const char *title);

struct folded_line {
	const char *stack;	/* "outermost;…;innermost", not 0-terminated */
	size_t n;
	uint64_t number[2];	/* before and after, of a difference; else [1] is 0 */
	const size_t *end;	/* where each frame ends in `stack` */
	size_t frames;
	size_t same;		/* this many outermost frames equal those of the previous line */
};

/* Gets the next line, valid until the next call. Returns false at the end or a bad line; folded_finish() reports it. */
bool folded_next(struct folded *f, struct folded_line *line);
/* Returns frame i of a line, *n bytes. */
const char *folded_frame(const struct folded_line *line, size_t i, size_t *n);
/* Declares the last line of folded_next() bad, for the caller's own reason (static text): reading ends there. */
void folded_reject(struct folded *f, const char *why);
/* Reports any failure, closes the input and frees f. Returns the exit status, 0 or 1. */
int folded_finish(struct folded *f);

/* The nodes of the previous line's frames; grows as needed. Zero it first; the caller frees `at`. */
struct folded_nodes {
	uint32_t *at;
	size_t cap;
};
/* Returns the line's node in a tree, creating nodes as needed. Each tree has its own `nodes`, for all lines. */
uint32_t folded_node(struct calltree *t, const struct folded_line *line, struct folded_nodes *nodes);

/*
 * Writes the stacks of a tree that have a number of their own: the first number,
 * or both with `difference`. Depth first, callees in the order of their names.
 */
void folded_write(FILE *out, struct calltree *t, bool difference);

#endif
