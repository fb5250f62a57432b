/*
 * heap.c - the blocks of the last census, as a graph
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include "reference_rows.h"
#include "replay.h"
#include "xmalloc.h"

/* Roots by how much they say: a module is a better answer than a variable of C. */
enum { RANK_MODULE, RANK_FRAME, RANK_OTHER, RANK_NO_HOLDER, N_RANKS };

struct heap *heap_new(void)
{
	struct heap *h = xcalloc(1, sizeof *h);

	h->live = live_new();
	h->stacks = stacks_new();
	return h;
}

void heap_free(struct heap *h)
{
	live_free(h->live);
	stacks_free(h->stacks);
	texts_clear(&h->texts);
	graph_clear(&h->graph);
	free(h->blocks);
	free(h->references);
	free(h->module_names);
	free(h);
}

void heap_only(struct heap *h, uint32_t pid)
{
	h->only = true;
	h->wanted = pid;
}

/* ---------------------------------------------------------------- reading */

static uint32_t label_of(struct heap *h, const struct reference_entry *e, struct mt_str root)
{
	if (!e->from)
		return texts_number(&h->texts, root.p, root.n);
	if (e->name.n)
		return HEAP_NAME(texts_number(&h->texts, e->name.p, e->name.n));
	return e->index >= 0 && e->index < INT32_MAX ? HEAP_INDEX((uint32_t)e->index) : 0;
}

static void take_references(struct heap *h, const struct mt_event *ev)
{
	struct reference_reading reading;
	struct reference_entry e;

	if (reference_reading_begin(&reading, ev->info))
		while (reference_reading_next(&reading, &e)) {
			GROW(h->references, h->n_references, h->cap_references);
			h->references[h->n_references++] =
				(struct heap_reference){ reading.root.n ? 0 : e.from, e.to,
							 label_of(h, &e, reading.root) };
		}
	reference_reading_clear(&reading);
}

static void take_blocks(struct heap *h, const struct mt_event *ev)
{
	struct census_reading reading;
	struct census_entry e;
	struct block b;

	census_reading_begin(&reading, ev->info);
	while (census_reading_next(&reading, &e)) {
		if (!live_find(h->live, e.id, &b) || b.thread != ev->pid || h->n_blocks >= INT32_MAX)
			continue;
		GROW(h->blocks, h->n_blocks, h->cap_blocks);
		h->blocks[h->n_blocks++] = (struct heap_block){ e.addr, b.size, b.key,
								texts_number(&h->texts, e.type.p, e.type.n) };
	}
	census_reading_clear(&reading);
}

void heap_take(struct heap *h, const struct mt_event *ev)
{
	replay_blocks(h->live, ev, ev->kind == MT_ALLOC ? stacks_number(h->stacks, ev->stack) : 0);
	switch (ev->kind) {
	case MT_CENSUS:
		if (h->only && ev->pid != h->wanted)
			break;
		h->pid = ev->pid;
		h->n_blocks = h->n_references = 0;
		break;
	case MT_BLOCKS:
		if (ev->pid == h->pid) {
			take_references(h, ev);
			take_blocks(h, ev);
		}
		break;
	default:
		stacks_take(h->stacks, ev);
	}
}

/* ---------------------------------------------------------------- the graph */

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct heap_block *)a)->addr, y = ((const struct heap_block *)b)->addr;

	return (x > y) - (x < y);
}

/* Returns the node of the block at an address; GRAPH_NONE: there is none. */
static uint32_t node_at(const struct heap *h, uint64_t addr)
{
	size_t low = 0, high = h->n_blocks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (h->blocks[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->n_blocks && h->blocks[low].addr == addr ? (uint32_t)low + 1 : GRAPH_NONE;
}

static bool is_module(const struct heap *h, uint32_t node)
{
	return strcmp(heap_type(h, node), "module") == 0;
}

/* The edges of each node, by counting. Modules are roots, and blocks that nothing refers to. */
static void make_edges(struct heap *h)
{
	struct graph *g = &h->graph;
	bool *held = xcalloc(g->n, sizeof *held);
	uint32_t none = texts_number(&h->texts, HEAP_NO_HOLDER, strlen(HEAP_NO_HOLDER));
	uint32_t *from = xcalloc(h->n_references + 1, sizeof *from), *to = xcalloc(h->n_references + 1, sizeof *to);
	size_t n = 0;

	for (size_t i = 0; i < h->n_references; i++) {
		const struct heap_reference *r = &h->references[i];
		from[i] = r->from ? node_at(h, r->from) : GRAPH_ROOT;
		to[i] = node_at(h, r->to);
		if (from[i] == GRAPH_NONE || to[i] == GRAPH_NONE)
			from[i] = to[i] = GRAPH_NONE;
		else {
			g->first[from[i] + 2]++;
			held[to[i]] = true;
		}
	}
	for (uint32_t v = 1; v < g->n; v++)
		g->first[GRAPH_ROOT + 2] += is_module(h, v) || !held[v];
	for (uint32_t v = 0; v <= g->n; v++)
		g->first[v + 1] += g->first[v];
	n = g->first[g->n + 1];
	g->edges = xcalloc(n + 1, sizeof *g->edges);
	for (size_t i = 0; i < h->n_references; i++)
		if (to[i] != GRAPH_NONE)
			g->edges[g->first[from[i] + 1]++] = (struct graph_edge){ to[i], h->references[i].label };
	for (uint32_t v = 1; v < g->n; v++)
		if (is_module(h, v) || !held[v])
			g->edges[g->first[GRAPH_ROOT + 1]++] = (struct graph_edge){ v, is_module(h, v) ? 0 : none };
	free(held);
	free(from);
	free(to);
}

/* The reference of a module to its dict has the module's name. */
static void name_modules(struct heap *h)
{
	const struct graph *g = &h->graph;

	h->module_names = xcalloc(g->n, sizeof *h->module_names);
	for (uint32_t v = 1; v < g->n; v++)
		for (size_t e = g->first[v]; e < g->first[v + 1] && is_module(h, v); e++)
			if (g->edges[e].label && g->edges[e].label % 2 == 0)
				h->module_names[v] = g->edges[e].label / 2;
}

void heap_solve(struct heap *h)
{
	struct graph *g = &h->graph;

	if (h->n_blocks)
		qsort(h->blocks, h->n_blocks, sizeof *h->blocks, by_address);
	g->n = (uint32_t)h->n_blocks + 1;
	g->first = xcalloc((size_t)g->n + 2, sizeof *g->first);
	g->size = xcalloc(g->n, sizeof *g->size);
	for (size_t i = 0; i < h->n_blocks; i++)
		g->size[i + 1] = h->blocks[i].size;
	make_edges(h);
	name_modules(h);
	size_t n = g->first[1];
	uint8_t *rank = xcalloc(n + 1, sizeof *rank);
	for (size_t e = 0; e < n; e++) {
		struct mt_str root = texts_text(&h->texts, g->edges[e].label);
		rank[e] = !g->edges[e].label ? RANK_MODULE :
			  root.n >= 6 && memcmp(root.p, "frames", 6) == 0 ? RANK_FRAME :
			  strcmp(root.p, HEAP_NO_HOLDER) == 0 ? RANK_NO_HOLDER : RANK_OTHER;
	}
	bool *doubtful = xcalloc(g->n, sizeof *doubtful);
	for (uint32_t v = 1; v < g->n; v++)
		doubtful[v] = !heap_type(h, v)[0];
	graph_solve(g, rank, N_RANKS, doubtful);
	free(doubtful);
	free(rank);
}

/* ---------------------------------------------------------------- nodes */

const char *heap_type(const struct heap *h, uint32_t node)
{
	return node == GRAPH_ROOT ? "" : texts_text(&h->texts, h->blocks[node - 1].type).p;
}

static const struct frame *frame_of(const struct heap *h, uint32_t node)
{
	uint32_t stack = node == GRAPH_ROOT ? 0 : h->blocks[node - 1].stack;

	return stacks_frame(h->stacks, stacks_stack(h->stacks, stack)->frame);
}

const struct function *heap_function(const struct heap *h, uint32_t node)
{
	return stacks_function(h->stacks, frame_of(h, node)->function);
}

uint32_t heap_line(const struct heap *h, uint32_t node)
{
	return frame_of(h, node)->line;
}

bool heap_is_part(const struct heap *h, uint32_t node)
{
	const char *type = heap_type(h, node);
	size_t n = strlen(type);

	return n > 0 && type[n - 1] == ']';
}

uint32_t heap_owner(const struct heap *h, uint32_t node)
{
	while (heap_is_part(h, node) && h->graph.parent[node] != GRAPH_NONE && h->graph.parent[node] != GRAPH_ROOT)
		node = h->graph.parent[node];
	return node;
}
