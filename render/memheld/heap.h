/*
 * heap.h - the blocks of the last census, as a graph
 */
#ifndef HEAP_H
#define HEAP_H

#include "graph.h"
#include "live.h"
#include "stacks.h"
#include "texts.h"

#define HEAP_NAME(text) (2 * (text))		/* the label of a reference: a text */
#define HEAP_INDEX(index) (2 * (index) + 1)	/* … or an index */

struct heap_block {
	uint64_t addr, size;
	uint32_t stack, type;
};

struct heap_reference {
	uint64_t from, to;		/* from: 0 if a root refers */
	uint32_t label;			/* of a root: its text */
};

struct heap {
	bool only;			/* one process is wanted: */
	uint32_t wanted;
	uint32_t pid;			/* of the census */
	struct live *live;		/* block.key: its stack; block.thread: the process */
	struct stacks *stacks;
	struct texts texts;
	struct heap_block *blocks;	/* node i + 1 is block i */
	size_t n_blocks, cap_blocks;
	struct heap_reference *references;
	size_t n_references, cap_references;
	struct graph graph;		/* after heap_solve(); labels of the root's edges are texts */
	uint32_t *module_names;		/* of each node: 0, or the text that is the name of this module */
};

/* Exits if out of memory, as the others do. */
struct heap *heap_new(void);
void heap_free(struct heap *h);
/* Only censuses of this process count. */
void heap_only(struct heap *h, uint32_t pid);
void heap_take(struct heap *h, const struct mt_event *ev);
void heap_solve(struct heap *h);

/* The text of the root of blocks that nothing which is known refers to. */
#define HEAP_NO_HOLDER "no known holder"

/* Of a node. heap_type() is "" if it is not known. */
const char *heap_type(const struct heap *h, uint32_t node);
const struct function *heap_function(const struct heap *h, uint32_t node);
uint32_t heap_line(const struct heap *h, uint32_t node);
/* Whether it is a table or buffer that belongs to an object: "list [items]". */
bool heap_is_part(const struct heap *h, uint32_t node);
/* Returns the object that a part belongs to, if the shortest path leads through it; other nodes as they are. */
uint32_t heap_owner(const struct heap *h, uint32_t node);

#endif
