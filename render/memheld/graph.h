/*
 * graph.h - who holds what: a graph of blocks, its dominators, and the shortest paths from its roots
 *
 * A block dominates another one if every path from a root to that one leads through it: if it were let go, the
 * other would go too. What it retains is its own size and that of all it dominates.
 *
 * Source: Georgiadis, Werneck, Tarjan, Triantafyllis, August, "Finding dominators in practice" (2004), algorithm SNCA.
 *
 * Memory: 8 bytes for each reference, 56 for each block.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_ROOT 0u		/* above all roots; the other nodes are from 1 on */
#define GRAPH_NONE UINT32_MAX

struct graph {
	uint32_t n;			/* nodes, the root too */
	uint64_t *size;			/* of each node */
	struct graph_edge {
		uint32_t to, label;	/* label: the caller's */
	} *edges;
	size_t *first;			/* of each node its first edge; n + 1 of them */
	/* by graph_solve(): */
	uint32_t *parent;		/* on the shortest path; GRAPH_NONE: it cannot be reached, or is the root */
	uint32_t *parent_label;
	uint32_t *dominator;		/* GRAPH_NONE: it cannot be reached, or is the root */
	uint64_t *retained;		/* 0: it cannot be reached */
	uint32_t *order;		/* n_order that can be reached, dominators before the nodes they dominate */
	uint32_t n_order;
};

/*
 * Solves a graph whose n, size, edges and first are given. A path from a root of a lower rank is better than a shorter
 * one; rank[i] is that of the root's edge i, below `ranks`. Worse than all is a path through a doubtful node.
 */
void graph_solve(struct graph *g, const uint8_t *rank, unsigned ranks, const bool *doubtful);
void graph_clear(struct graph *g);

#endif
