/*
 * define.c - write a trace whose stacks come from another
 */
#include "define.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

uint32_t define_function(struct mt_out *out, struct stacks *known, struct mt_event *function)
{
	uint32_t count = stacks_function_count(known);
	function->kind = MT_FUNCTION;
	function->function = stacks_add_function(known, function);
	if (function->function == count)
		mt_put(out, function);
	return function->function;
}

uint32_t define_frame(struct mt_out *out, struct stacks *known, uint32_t function, uint32_t line)
{
	uint32_t count = stacks_frame_count(known), frame = stacks_add_frame(known, function, line);
	if (frame == count) {
		struct mt_event ev = { .kind = MT_FRAME, .frame = frame, .function = function, .line = line };
		mt_put(out, &ev);
	}
	return frame;
}

uint32_t define_stack(struct mt_out *out, struct stacks *known, uint32_t parent, uint32_t frame)
{
	uint32_t count = stacks_count(known), n = stacks_add_stack(known, parent, frame);
	if (n == count) {
		/* A stack's row uses no other members; zeroing them all would cost more than the row. */
		struct mt_event ev;
		ev.kind = MT_STACK;
		ev.stack = n;
		ev.parent = parent;
		ev.frame = frame;
		mt_put(out, &ev);
	}
	return n;
}

int define_all(struct mt_out *out, const struct stacks *known)
{
	for (uint32_t i = 1; i < stacks_function_count(known); i++) {
		struct mt_event ev = function_event(stacks_function(known, i));
		ev.kind = MT_FUNCTION;
		ev.function = i;
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	for (uint32_t i = 1; i < stacks_frame_count(known); i++) {
		const struct frame *f = stacks_frame(known, i);
		struct mt_event ev = { .kind = MT_FRAME, .frame = i, .function = f->function, .line = f->line };
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	for (uint32_t i = 1; i < stacks_count(known); i++) {
		const struct stack *s = stacks_stack(known, i);
		struct mt_event ev = { .kind = MT_STACK, .stack = i, .parent = s->parent, .frame = s->frame };
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	return 0;
}

static void copy_line(struct define *d, const char *file, uint32_t line)
{
	if (!d->sources)
		return;
	if (!d->lines)
		d->lines = idset_new();
	sources_put_line(d->out, d->sources, file, line, d->lines);
}

/* Defines stack n of `from` under a parent that is defined already; returns its number. */
static uint32_t copy_one(struct define *d, uint32_t parent, uint32_t n)
{
	const struct frame *frame = stacks_frame(d->from, stacks_stack(d->from, n)->frame);
	struct mt_event ev = function_event(stacks_function(d->from, frame->function));
	uint32_t function = define_function(d->out, d->known, &ev), count = stacks_frame_count(d->known);
	uint32_t copy = define_frame(d->out, d->known, function, frame->line);
	if (copy == count)
		copy_line(d, ev.file.p, frame->line);
	if (copy == count && d->new_frame)
		d->new_frame(d->arg, function, frame->line);
	return define_stack(d->out, d->known, parent, copy);
}

uint32_t define_copy(struct define *d, uint32_t n)
{
	if (n == 0)
		return 0;
	if (n >= d->cap) {
		size_t cap = d->cap;
		GROW(d->to, (size_t)stacks_count(d->from), d->cap);
		memset(d->to + cap, 0, (d->cap - cap) * sizeof *d->to);
	}
	if (d->to[n])
		return d->to[n];
	/* Begin with the outermost caller that is not defined yet. Stacks may be deep, so no recursion. */
	size_t depth = 0;
	uint32_t *path = NULL;
	for (uint32_t at = n; at && !d->to[at]; at = stacks_stack(d->from, at)->parent)
		depth++;
	path = xcalloc(depth + 1, sizeof *path);
	for (uint32_t i = (uint32_t)depth, at = n; i-- > 0; at = stacks_stack(d->from, at)->parent)
		path[i] = at;
	for (size_t i = 0; i < depth; i++) {
		uint32_t parent = stacks_stack(d->from, path[i])->parent;
		d->to[path[i]] = copy_one(d, parent ? d->to[parent] : 0, path[i]);
	}
	free(path);
	return d->to[n];
}

void define_clear(struct define *d)
{
	idset_free(d->lines);
	d->lines = NULL;
	free(d->to);
	d->to = NULL;
	d->cap = 0;
}
