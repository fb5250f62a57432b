/*
 * memfold.c - fold a trace into one line per stack, for flame graphs
 *
 * In:    a trace (stdin or files)
 * Out:   folded lines "outermost;…;innermost N\n", each stack once, depth
 *        first, callees of one caller in the order of their names: lines with
 *        the same beginning are adjacent
 * Keeps: the live set, the stacks, and a line's text
 */
#include <stdio.h>
#include <stdlib.h>

#include "alive.h"
#include "calltree.h"
#include "error.h"
#include "folded.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "count", 'c', NULL, "count allocations, not bytes" },
	{ "leaks", 'l', NULL, "report memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	{ "by-process", 'P', NULL, "add an outermost frame for each process, \"[process PID]\"" },
	{ "by", 'b', "WHAT", "show frames by line (the default), function, or file" },
	{ "types", 'T', NULL,
	  "report what a census found alive, with its type as the innermost frame, \"[dict]\"" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memfold",
	.summary = "fold a trace into one line per stack, for flame graphs",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memfold | memflame > out.html",
	.options = options,
};

static uint64_t value_of(const struct tally *t, uint32_t stack, bool count)
{
	return count ? t->at[stack].count : t->at[stack].bytes;
}

/* Returns for each stack whether it or one of its descendants has a value. Parents have smaller numbers. */
static bool *find_needed(const struct tally *t, bool count)
{
	bool *needed = xcalloc(stacks_count(t->stacks), sizeof *needed);

	for (uint32_t i = t->n; i-- > 0; ) {
		if (value_of(t, i, count))
			needed[i] = true;
		if (needed[i] && i > 0)
			needed[stacks_stack(t->stacks, i)->parent] = true;
	}
	/* Stack 0 is the parent of all outermost stacks, but also the unknown stack. */
	needed[0] = t->n > 0 && value_of(t, 0, count);
	return needed;
}

static void fold(const struct tally *t, enum stacks_detail detail, bool count)
{
	struct calltree *calls = calltree_new();
	bool *needed = find_needed(t, count);
	uint32_t *nodes = calltree_add_stacks(calls, t->stacks, detail, needed);

	for (uint32_t i = 0; i < t->n; i++)
		if (needed[i])
			calltree_call(calls, nodes[i])->own[0] += value_of(t, i, count);
	folded_write(stdout, calls, false);
	free(nodes);
	free(needed);
	calltree_free(calls);
}

int main(int argc, char **argv)
{
	enum stacks_detail detail = STACKS_LINE;
	enum tally_what what = TALLY_PEAK;
	bool count = false, by_process = false, types = false;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'c':
			count = true;
			break;
		case 'l':
			tally_choose(&what, TALLY_LEAKS);
			break;
		case 't':
			tally_choose(&what, TALLY_TOTAL);
			break;
		case 'P':
			by_process = true;
			break;
		case 'T':
			types = true;
			break;
		case 'b':
			detail = tool_detail(optarg, "--by");
			break;
		}
	if (types)
		tally_choose_census(what);
	if (types && by_process)
		usage_die("give only one of --types and --by-process");
	struct mt_in *in = tool_input(argc, argv);
	struct tally *t = types ? alive_read_stacks(in, ALIVE_BELOW, NULL) :
			  by_process ? tally_read_by_process(in, what) : tally_read(in, what);
	fold(t, detail, count);
	tally_free(t);
	return tool_finish(in, NULL);
}
