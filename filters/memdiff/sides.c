/*
 * sides.c - read the two inputs of memdiff into one tree
 */
#include "sides.h"

#include <stdlib.h>

#include "folded.h"
#include "report.h"
#include "tool.h"
#include "xmalloc.h"

static int read_trace(struct side *side, struct mt_in *in, struct calltree *t, int which, const struct side_options *o)
{
	struct tally *tally = tally_read(in, o->what);
	uint32_t *nodes = calltree_add_stacks(t, tally->stacks, o->detail, NULL);

	for (uint32_t i = 0; i < tally->n; i++)
		calltree_call(t, nodes[i])->own[which] += o->count ? tally->at[i].count : tally->at[i].bytes;
	side->total = o->count ? tally->total.count : tally->total.bytes;
	char *total = tally->sample_bytes ? report_total(tally) : NULL;
	side->title = total ? xasprintf("%s: %s", tally->title, total) : xstrdup(tally->title);
	free(total);
	free(nodes);
	tally_free(tally);
	return tool_finish(in, NULL);
}

static int read_folded(struct side *side, struct folded *f, struct calltree *t, int which)
{
	struct folded_nodes nodes = { 0 };
	struct folded_line line;

	while (folded_next(f, &line)) {
		calltree_call(t, folded_node(t, &line, &nodes))->own[which] += line.number[0];
		side->total += line.number[0];
	}
	free(nodes.at);
	return folded_finish(f);
}

int side_read(struct side *side, const char *path, struct calltree *t, int which, const struct side_options *o)
{
	struct folded *f = folded_open(path);

	*side = (struct side){ .name = folded_name(f) };
	return folded_is_trace(f) ? read_trace(side, folded_trace(f), t, which, o) : read_folded(side, f, t, which);
}
