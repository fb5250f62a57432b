/*
 * pack.h - pack a tree into the compressed columns that a page contains
 *
 * Numbers are varints (7 bits a byte, the lowest first; the top bit says that
 * more follow); columns are bytes of equal rank after one another (buffer_column()). In order:
 *
 *	4			version of this layout
 *	about			its size in bytes, then one JSON object about the page:
 *		title		of the numbers; titled: the user chose it
 *		command		the recorded command
 *		inverted, processes	how it opens
 *		kinds		the number of places of each kind; mixed: Python and C functions
 *		root		the folder of own code
 *		first		of a first view (first.h): the widest graph that it is for; packages: [name, bytes]
 *		difference	of two inputs: the two weights are before and after; inputs: their names
 *		units		of each weight, one or two: "bytes", "allocations", ...
 *		time		of a trace: mode it opens in; end, milliseconds; filters, in words;
 *				processes [pid, command, begin, end], spans [pid, name, begin, end]
 *		facts		[name, text] from the header: host, date, ...
 *		warnings	lines about missing data
 *	strings			their count, their size in bytes; the texts, each followed by a newline
 *	stacks			the number of different ones
 *	frames			their count, then columns: name, file, module, package (strings),
 *				line, kind (enum place_kind), source (a string: lines with U+001F
 *				between them), before (lines of it before the frame's); frame 0 is the root's
 *	nodes			their count, depth first, then columns:
 *				up: the number of levels from the previous node up to this one's parent
 *				frame
 *				one column per weight, the node's own amount; with time only in a first view
 *				smaller, in a first view: the number of thin boxes that a node represents; else 0
 *	slices			with time (points.h): length in milliseconds, count, then columns:
 *				time of the maximum, bytes alive then, bytes alive at the end, resident bytes
 *	intervals		not in a first view; their count, ordered by node, then columns:
 *				node: the difference from the previous interval's
 *				begin: a point
 *				length: 0 = never ended, else end - begin + 1
 *				fate (enum fate), bytes, allocations
 *
 * All of this is compressed by raw deflate, then base64, so labels cannot act as
 * anything but data. data.js reads it.
 */
#ifndef MEMFLAME_PACK_H
#define MEMFLAME_PACK_H

#include <stdbool.h>
#include <stdio.h>

#include "trace.h"
#include "tree.h"

struct fact {
	const char *name;
	char *text;
};

struct page {
	const char *title;	/* of the numbers */
	bool titled;		/* the user chose the title: the page must not change it */
	const char *command;	/* the recorded command, or the inputs of a difference; "" = not known */
	const char *inputs[2];	/* of a difference; NULL = not known */
	const char *unit;	/* of the nodes' bytes: "bytes", or another unit */
	bool counts;		/* the nodes' counts are set too: allocations */
	bool inverted;		/* opens inverted */
	bool processes;		/* opens with a frame for each process: requested, or there are several */
	unsigned width;		/* of a picture, in pixels */
	struct fact *facts;	/* from the header: host, date, ... */
	size_t n_facts;
	char **warnings;	/* lines about missing data */
	size_t n_warnings;
	const struct recording *recording;	/* NULL: the page is made from folded lines */
	const uint32_t *node_of_key;		/* the node of each key of a recording with points */
};

/* Writes a text as a JSON string, made safe by tool_printable(). */
void json_printable(FILE *out, const char *text);

/* Writes the packed tree; errors stick to `out`. */
void pack(const struct tree *t, const struct page *page, FILE *out);
/* The same for what a large page draws at first (first.h); writes nothing if there is no such view. */
void pack_first(const struct tree *t, const struct page *page, FILE *out);

#endif
