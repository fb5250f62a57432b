/*
 * tree.h - the call tree of a page: places, nodes, and the memory of each node
 *
 * A place is one function at one line; a node is one place called along one
 * path. The label of a node in the call tree (calltree.h) is its place's number.
 * Node 0 and place 0 are "all", the root.
 */
#ifndef MEMFLAME_TREE_H
#define MEMFLAME_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calltree.h"
#include "texts.h"

/* The page computes in doubles, which are exact up to here. */
#define LARGEST_AMOUNT ((uint64_t)1 << 53)

/* In the same order as KIND in frames.js. */
enum place_kind {
	PLACE_VIRTUAL,	/* not code: "all", "[unknown]" */
	PLACE_PYTHON,
	PLACE_NATIVE,
	PLACE_IMPORT,	/* the import machinery: importlib's frames */
	PLACE_PROCESS,	/* virtual frames that the page shows on request: "[process 12: python3 app.py]" */
	PLACE_THREAD,	/* "[thread worker-1]" */
	PLACE_ALLOCATOR,	/* innermost: "[malloc]" */
	PLACE_NATIVE_IMPORT,	/* the interpreter's C functions that import (packages_find()) */
	N_PLACE_KINDS
};

struct place {
	uint32_t name, file, module;	/* numbers of tree.text; 0 = not known */
	uint32_t line;			/* 0 = not known */
	uint32_t source, before;	/* tree_source() of its line, 0 = not known; lines of that before it */
	uint32_t package;		/* whose code it is (packages_find()) */
	enum place_kind kind;
};

/* A node's own amounts, without its children: bytes and allocations; in a difference, before and after. */
enum { OWN_BYTES, OWN_COUNT };

struct tree {
	struct texts text;
	struct place *places;
	uint32_t n_places;
	size_t cap_places;
	struct calltree *calls;
	uint64_t bytes, count;		/* of all nodes */
	bool difference;		/* of two inputs; set it before adding anything */
	uint64_t stacks;		/* number of nodes with an amount of their own */
};

void tree_init(struct tree *t);
void tree_clear(struct tree *t);

/*
 * Returns the number in t->text of a name or path as the page shows it: \x3b and \x5c
 * from folded lines become characters again, control characters become \xHH, to be visible.
 */
uint32_t tree_text(struct tree *t, const char *p, size_t n);
/* Returns the number in t->text of lines of source code, with U+001F between them and blanks in place of tabs. */
uint32_t tree_source(struct tree *t, const char *p, size_t n);
/* Adds a place and returns its number. The caller must not add equal places. */
uint32_t tree_place(struct tree *t, const struct place *place);
/* Returns the kind of a place, guessed from its texts. */
enum place_kind tree_guess_kind(const struct tree *t, uint32_t name, uint32_t file);

/*
 * Adds to a node's own amounts. Returns false, having added nothing, if a sum (in a difference, that of both sides)
 * would exceed LARGEST_AMOUNT.
 */
bool tree_add(struct tree *t, uint32_t node, uint64_t bytes, uint64_t count);

struct tree_order {
	uint32_t *nodes;	/* depth first; siblings by falling total, then by number */
	uint32_t *depth;	/* of nodes[i]; 0 = root */
};
/* Returns the order in which the page draws the nodes. The caller frees the arrays. */
struct tree_order tree_order(const struct tree *t);

#endif
