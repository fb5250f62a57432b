/*
 * pack.h - a tree as the compressed columns a page carries
 *
 * Numbers are varints (7 bits a byte, the lowest first; the top bit says that
 * more follow). In order:
 *
 *	2			version of this layout
 *	about			its size in bytes, then one JSON object: what the page says of itself
 *		title		what the numbers are; titled: whoever made the page called them so
 *		command		what was recorded
 *		inverted, processes	how it opens
 *		difference	of two inputs: the two weights are before and after
 *		units		of each weight: "bytes", or what is counted; one or two
 *		time		of a trace: mode it opens in; end, milliseconds; filters, in words;
 *				processes [pid, command, begin, end], spans [pid, name, begin, end]
 *		facts		[name, text] of the header: host, date, ...
 *		warnings	lines: what is missing
 *	strings			how many, bytes of all; the texts, each ended by a newline
 *	stacks			how many different ones
 *	frames			how many, then columns: name, file, module (strings),
 *				line, kind (enum place_kind); frame 0 is the root's
 *	nodes			how many, depth first, then columns:
 *				up: how many levels to go up from the node before, to be its child
 *				frame
 *				one column a weight: what the node itself holds; not with time
 *	slices			with time (points.h): length in milliseconds, how many, then columns:
 *				when most was alive, that, what was alive at its end, resident bytes
 *	intervals		how many, by node, then columns:
 *				node: its number less that of the one before
 *				begin: a point
 *				length: 0 = never ended, else end - begin + 1
 *				fate (enum fate), bytes, allocations
 *
 * All of it raw deflate, then base64: no label can be anything but data.
 * data.js is the reader.
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
	const char *title;	/* what the numbers are */
	bool titled;		/* by the user: the page leaves it as it is */
	const char *command;	/* what was traced; "" = not known */
	const char *unit;	/* of the nodes' bytes: "bytes", or what was counted */
	bool counts;		/* the nodes' counts are known too: of allocations */
	bool inverted;		/* opens so */
	bool processes;		/* opens with a frame for each process */
	struct fact *facts;	/* of the header: host, date, ... */
	size_t n_facts;
	char **warnings;	/* what is missing, a line each */
	size_t n_warnings;
	const struct recording *recording;	/* of a trace; NULL: of folded lines */
	const uint32_t *node_of_key;		/* of its keys, if it has points */
};

/* A text in quotes, fit to be read: tool_printable(). */
void json_printable(FILE *out, const char *text);

/* Write it; an error stays with `out`. */
void pack(const struct tree *t, const struct page *page, FILE *out);

#endif
