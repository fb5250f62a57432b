/*
 * trace.c - what a trace's stacks hold, into a tree
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "xmalloc.h"

static enum place_kind kind_of(const struct function *f, const struct place *place, const struct tree *t)
{
	if (tree_is_import_machinery(f->file, strlen(f->file)))
		return PLACE_IMPORT;
	switch (f->lang) {
	case MT_LANG_PYTHON: return PLACE_PYTHON;
	case MT_LANG_NATIVE: return PLACE_NATIVE;
	}
	return tree_guess_kind(t, place->name, place->file);
}

static uint32_t add_place(struct tree *t, const struct stacks *stacks, const struct frame *frame)
{
	const struct function *f = stacks_function(stacks, frame->function);
	const char *name = f->name[0] ? f->name : "[unknown]";
	struct place place = {
		.name = tree_text(t, name, strlen(name)),
		.file = tree_text(t, f->file, strlen(f->file)),
		.module = tree_text(t, f->module, strlen(f->module)),
		.line = frame->line,
	};

	place.kind = kind_of(f, &place, t);
	return tree_place(t, &place);
}

/* Per stack: whether it, or one that goes on from it, holds anything. */
static bool *stacks_in_use(const struct tally *tally, uint32_t n)
{
	bool *used = xcalloc(n, sizeof *used);

	for (uint32_t i = n; i-- > 0;) {
		if (i < tally->n && (tally->at[i].bytes || tally->at[i].count))
			used[i] = true;
		/* Parents have smaller numbers; 0 is "not known", and the root's own parent. */
		if (used[i] && i)
			used[stacks_stack(tally->stacks, i)->parent] = true;
	}
	return used;
}

void trace_take(const struct tally *tally, struct tree *t)
{
	const struct stacks *stacks = tally->stacks;
	uint32_t n = stacks_count(stacks), n_frames = stacks_frame_count(stacks);
	bool *used = stacks_in_use(tally, n);
	uint32_t *node_of = xcalloc(n, sizeof *node_of), *place_of = xcalloc(n_frames, sizeof *place_of);

	for (uint32_t i = 0; i < n; i++) {
		struct amount held = i < tally->n ? tally->at[i] : (struct amount){ 0 };
		uint32_t frame = i ? stacks_stack(stacks, i)->frame : 0;
		if (!used[i] || (i == 0 && !held.bytes && !held.count))
			continue;
		if (!place_of[frame])
			place_of[frame] = add_place(t, stacks, stacks_frame(stacks, frame));
		uint32_t parent = i ? node_of[stacks_stack(stacks, i)->parent] : 0;
		uint32_t node = tree_child(t, parent, place_of[frame]);
		if (i)
			node_of[i] = node;	/* nothing hangs under the unknown stack: 0 is the root's number */
		if (!tree_add(t, node, held.bytes, held.count))
			die("the trace holds more than 2^53 bytes");
	}
	free(used);
	free(node_of);
	free(place_of);
}
