/*
 * view.h - how a report shows stacks: without the import system, without C frames, by file or by package
 *
 * Converts a tally by stack to one whose stacks have only the frames to be shown. No amount is lost: that of a hidden
 * frame is added to its nearest shown caller, and a stack that would become empty keeps its innermost frame.
 */
#ifndef VIEW_H
#define VIEW_H

#include "tally.h"

/* VIEW_TYPE: by function, of a tally that alive.h has made. */
enum view_by { VIEW_FUNCTION, VIEW_FILE, VIEW_PACKAGE, VIEW_TYPE };

struct view {
	bool hide_imports;	/* the frames of Python's import system */
	bool python;		/* hide C frames in stacks with Python frames: C memory counts for the calling line */
	enum view_by by;
};

/* Options of a report: entries for its table, and their keys for view_option(). */
enum { KEY_IMPORTS = 512, KEY_PYTHON, KEY_BY };
#define VIEW_OPTION_IMPORTS \
	{ "imports", KEY_IMPORTS, "HOW", "hide or show the import system's frames (default: hide on a terminal)" }
#define VIEW_OPTION_PYTHON \
	{ "python", KEY_PYTHON, NULL, "count what C functions hold for the Python line that calls them" }
#define VIEW_OPTION_BY { "by", KEY_BY, "WHAT", "a row for each function (the default), file, package or type" }

/* Sets the option with this key; its argument is in optarg. */
void view_option(struct view *v, int key);
/* After the options: without --imports, hides imports if standard output is a terminal and not `all` (as for JSON). */
void view_begin(struct view *v, bool all);

/*
 * Returns t as it is shown: with stacks and amounts of its own, which view_clear() frees, unless all is shown. A file
 * becomes a function named by its path, and a package one of its name, without file and line.
 */
struct tally view_make(const struct view *v, const struct tally *t);
void view_clear(struct tally *shown, const struct tally *t);
/* Returns the frame that shows a stack of t: the innermost one not hidden. Not for VIEW_FILE and VIEW_PACKAGE. */
uint32_t view_frame(const struct view *v, const struct stacks *s, uint32_t stack);

#endif
