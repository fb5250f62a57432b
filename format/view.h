/*
 * view.h - how a report shows stacks: without the import system, without C frames, by file or by package
 *
 * A tally by stack becomes another, whose stacks are what is shown of the old ones. No amount is lost: what a hidden
 * frame holds is its nearest shown caller's, and a stack of which nothing would be left keeps its innermost frame.
 */
#ifndef VIEW_H
#define VIEW_H

#include "tally.h"

enum view_by { VIEW_FUNCTION, VIEW_FILE, VIEW_PACKAGE };

struct view {
	bool hide_imports;	/* the frames of Python's import system */
	bool python;		/* C frames are hidden in stacks with Python frames: a line holds what it calls in C */
	enum view_by by;
};

/* Options of a report: entries of its table, and what it does with their keys. */
enum { KEY_IMPORTS = 512, KEY_PYTHON, KEY_BY };
#define VIEW_OPTION_IMPORTS \
	{ "imports", KEY_IMPORTS, "HOW", "hide or show the import system's frames (default: hide on a terminal)" }
#define VIEW_OPTION_PYTHON \
	{ "python", KEY_PYTHON, NULL, "count what C functions hold for the Python line that calls them" }
#define VIEW_OPTION_BY { "by", KEY_BY, "WHAT", "a row for each function (the default), file or package" }

/* Takes one of these options, with its argument in optarg. */
void view_option(struct view *v, int key);
/* The view that a report begins with: on a terminal imports are hidden, unless `all` (as for JSON). */
void view_begin(struct view *v, bool all);

/*
 * Returns t as it is shown, with its own stacks and amounts; view_clear() frees only these. A file is a function
 * whose name is its path, and a package one of its name; neither has a place.
 */
struct tally view_make(const struct view *v, const struct tally *t);
void view_clear(struct tally *shown);
/* Returns the frame that shows a stack of t: the innermost that is not hidden. Not for VIEW_FILE and VIEW_PACKAGE. */
uint32_t view_frame(const struct view *v, const struct stacks *s, uint32_t stack);

#endif
