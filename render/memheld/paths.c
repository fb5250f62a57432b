/*
 * paths.c - the shortest path from a root to a block, as text
 */
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define MOST_STEPS 24u		/* longer paths are cut in the middle */

static const char *type_name(const struct heap *h, uint32_t node)
{
	const char *type = heap_type(h, node);

	return *type ? type : "[type not known]";
}

static char *root_text(const struct heap *h, uint32_t node)
{
	uint32_t label = h->graph.parent_label[node];
	struct mt_str name = texts_text(&h->texts, label ? label : h->module_names[node]);

	if (!label)
		return xasprintf("module%s%s", name.n ? " " : "", name.n ? name.p : "");
	if (strcmp(name.p, "stack") == 0 || strncmp(name.p, "frames", 6) == 0 || strcmp(name.p, HEAP_NO_HOLDER) == 0)
		return xasprintf("%s -> %s", name.p, type_name(h, node));
	return xasprintf("variables of %s -> %s", name.p, type_name(h, node));
}

/* A step whose own name says nothing: a table, or the dict that a module or an instance has for its attributes. */
static bool is_silent(const struct heap *h, uint32_t node, bool last)
{
	uint32_t label = h->graph.parent_label[node];

	bool dict = strcmp(heap_type(h, node), "dict") == 0;

	return !last && (heap_is_part(h, node) || (dict && (!label || h->module_names[h->graph.parent[node]])));
}

static char *step_text(const struct heap *h, uint32_t node, bool alike)
{
	uint32_t label = h->graph.parent_label[node];

	if (!label || h->module_names[h->graph.parent[node]])	/* a module's dict has the module's name */
		return xasprintf(" -> %s", type_name(h, node));
	if (label % 2 == 0)
		return xasprintf(" -> %s (%s)", texts_text(&h->texts, label / 2).p, type_name(h, node));
	if (alike)
		return xasprintf(" -> […] (%s)", type_name(h, node));
	return xasprintf(" -> [%u] (%s)", label / 2, type_name(h, node));
}

char *paths_text(const struct heap *h, uint32_t node, bool alike)
{
	const struct graph *g = &h->graph;
	uint32_t steps[MOST_STEPS], n = 0;
	uint32_t at = node;

	if (node != GRAPH_ROOT && g->parent[node] == GRAPH_NONE)
		return xstrdup(PATHS_UNREACHABLE);
	for (; g->parent[at] != GRAPH_ROOT && n < MOST_STEPS; at = g->parent[at])
		steps[n++] = at;
	bool cut = g->parent[at] != GRAPH_ROOT;
	while (g->parent[at] != GRAPH_ROOT)
		at = g->parent[at];
	char *text = root_text(h, at);
	if (cut) {
		char *more = xasprintf("%s -> …", text);
		free(text);
		text = more;
	}
	while (n) {
		uint32_t step = steps[--n];
		if (is_silent(h, step, n == 0))
			continue;
		char *next = step_text(h, step, alike), *longer = xasprintf("%s%s", text, next);
		free(next);
		free(text);
		text = longer;
	}
	return text;
}
