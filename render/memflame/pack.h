/*
 * pack.h - a tree as the compressed columns a page carries
 *
 * Numbers are varints (7 bits a byte, the lowest first; the top bit says that
 * more follow). In order:
 *
 *	1			version of this layout
 *	flags			1: the page opens inverted; 2: it is a difference, and its two
 *				weights are before and after
 *	strings			how many, bytes of all; the texts, each ended by a newline
 *	title, command		numbers of strings
 *	stacks			how many different ones
 *	weights			how many (1 or 2), then each one's unit: a string,
 *				"bytes" or what is counted
 *	frames			how many, then columns: name, file, module (strings),
 *				line, kind (enum place_kind); frame 0 is the root's
 *	nodes			how many, depth first, then columns:
 *				up: how many levels to go up from the node before, to be its child
 *				frame
 *				one column a weight: what the node itself holds
 *
 * All of it raw deflate, then base64: no label can be anything but data.
 * data.js is the reader.
 */
#ifndef MEMFLAME_PACK_H
#define MEMFLAME_PACK_H

#include <stdbool.h>
#include <stdio.h>

#include "tree.h"

struct page {
	const char *title;	/* what the numbers are */
	const char *command;	/* what was traced; "" = not known */
	const char *unit;	/* of the nodes' bytes: "bytes", or what was counted */
	bool counts;		/* the nodes' counts are known too: of allocations */
	bool inverted;
};

/* Write it; an error stays with `out`. The tree can only be cleared afterwards. */
void pack(struct tree *t, const struct page *page, FILE *out);

#endif
