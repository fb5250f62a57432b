/*
 * tree.h - the call tree a page shows: places, nodes, and what each node holds
 *
 * A place is one function at one line; a node is one place called along one
 * path, whose label in the call tree (calltree.h) is the place's number. Node 0,
 * and place 0, are "all", the root.
 */
#ifndef MEMFLAME_TREE_H
#define MEMFLAME_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calltree.h"
#include "texts.h"

/* The page computes in doubles, which count exactly up to here. */
#define LARGEST_AMOUNT ((uint64_t)1 << 53)

/* The order is the page's too (frames.js). */
enum place_kind {
	PLACE_VIRTUAL,	/* what no program wrote: "all", "[unknown]" */
	PLACE_PYTHON,
	PLACE_NATIVE,
	PLACE_IMPORT,	/* the import machinery: importlib's frames */
	PLACE_PROCESS,	/* virtual frames, which the page shows if asked to: "[process 12: python3 app.py]" */
	PLACE_THREAD,	/* "[thread worker-1]" */
	PLACE_ALLOCATOR,	/* innermost: "[malloc]" */
};

struct place {
	uint32_t name, file, module;	/* numbers of tree.text; 0 = not known */
	uint32_t line;			/* 0 = not known */
	enum place_kind kind;
};

/* What a node holds itself, without its children: bytes and allocations; of a difference, before and after. */
enum { OWN_BYTES, OWN_COUNT };

struct tree {
	struct texts text;
	struct place *places;
	uint32_t n_places;
	size_t cap_places;
	struct calltree *calls;
	uint64_t bytes, count;		/* of all nodes */
	bool difference;		/* of two inputs; to be set before anything is added */
	uint64_t stacks;		/* how many amounts were added to different nodes */
};

void tree_init(struct tree *t);
void tree_clear(struct tree *t);

/*
 * A name and a file's path as the page shows them: the \x3b and \x5c of folded
 * lines undone, control characters as \xHH (they could not be seen). A number of t->text.
 */
uint32_t tree_text(struct tree *t, const char *p, size_t n);
/* A new place; its number. Equal places are the caller's to avoid. */
uint32_t tree_place(struct tree *t, const struct place *place);
/* Kind of a place that is only known by its texts. */
enum place_kind tree_guess_kind(const struct tree *t, uint32_t name, uint32_t file);
/* Whether it is a file of importlib. */
bool tree_is_import_machinery(const char *file, size_t n);

/* False, and nothing added: a sum would go beyond LARGEST_AMOUNT (of a difference, that of both). */
bool tree_add(struct tree *t, uint32_t node, uint64_t bytes, uint64_t count);

struct tree_order {
	uint32_t *nodes;	/* depth first; siblings by falling total, then as they came */
	uint32_t *depth;	/* by position: 0 = root */
};
/* The arrays are the caller's to free. */
struct tree_order tree_order(const struct tree *t);

#endif
