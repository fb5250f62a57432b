/*
 * output.c - the trace being written
 */
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

void output_init(struct output *o, struct mt_out *out, const struct mt_header *header, ids_holder *holder, void *arg)
{
	*o = (struct output){ .out = out, .header = header, .stacks = stacks_new() };
	o->ids = (struct ids){ .holder = holder, .arg = arg };
	o->allocated = (struct mt_event){ .kind = MT_ALLOC };
	o->freed = (struct mt_event){ .kind = MT_FREE };
}

static void line_defined(void *arg, uint32_t function, uint32_t line)
{
	struct output *o = arg;
	if (o->sources)
		source_files_put(o->sources, o->out, stacks_function(o->used.known, function), function, line);
}

void output_from_script(struct output *o)
{
	o->from_script = true;
	if (!o->segments)
		o->used = (struct define){ .out = o->out, .known = stacks_new(), .from = o->stacks,
					   .new_frame = line_defined, .arg = o };
}

void output_begin(struct output *o)
{
	if (o->begun)
		return;
	o->begun = true;
	if (o->old_file && ftruncate(o->old_file, 0) < 0 && errno != EINVAL)
		warn("cannot overwrite the old trace: %s", strerror(errno));
	if (o->segments)
		return;
	if (mt_put_header(o->out, o->header) < 0)
		o->failed = true;
}

/* Where the recording ends, the programs go on unrecorded, as where writing failed. */
static void put_in_segments(struct output *o, const struct mt_event *ev)
{
	if (segments_put(o->segments, ev, o->stacks, o->live_bytes) < 0 || segments_over(o->segments))
		o->failed = true;
	o->out = segments_out(o->segments);
}

void output_put(struct output *o, struct mt_event *ev, uint64_t time_ms)
{
	if (o->failed)
		return;
	if (time_ms > o->last_ms)
		o->last_ms = time_ms;
	ev->time_ms = o->last_ms;
	if (__builtin_expect(o->used.from != NULL, 0) && ev->kind == MT_ALLOC)
		ev->stack = define_copy(&o->used, ev->stack);
	if (o->segments)
		put_in_segments(o, ev);
	else if (mt_put(o->out, ev) < 0)
		o->failed = true;
	o->n_events += ev->kind == MT_ALLOC || ev->kind == MT_FREE;
}

void output_process(struct output *o, pid_t pid, struct info *info)
{
	struct mt_event ev = { .kind = MT_PROCESS, .pid = (uint32_t)pid, .info = info_done(info) };
	output_put(o, &ev, o->now_ms);
	info_clear(info);
}

void output_flush(struct output *o)
{
	if (o->begun && !o->failed && mt_flush(o->out) < 0)
		o->failed = !o->segments;	/* which find it out by the next event */
}

void output_end(struct output *o)
{
	output_begin(o);
	if (o->segments)
		return;
	struct mt_event ev = { .kind = MT_END };
	output_put(o, &ev, o->now_ms);
}

uint32_t output_function(struct output *o, struct mt_event *ev)
{
	return o->used.from ? stacks_add_function(o->stacks, ev) : define_function(o->out, o->stacks, ev);
}

uint32_t output_frame(struct output *o, uint32_t function, uint32_t line)
{
	if (o->used.from)
		return stacks_add_frame(o->stacks, function, line);
	uint32_t count = stacks_frame_count(o->stacks), frame = define_frame(o->out, o->stacks, function, line);
	if (frame == count && o->sources)
		source_files_put(o->sources, o->out, stacks_function(o->stacks, function), function, line);
	return frame;
}

/* Returns 0 once there are no more numbers. */
static uint32_t define_recent(struct output *o, uint32_t parent, uint32_t frame)
{
	if (!o->recent)
		o->recent = recent_stacks_new();
	if (o->n_stacks == UINT32_MAX)
		return 0;
	uint32_t n = recent_stacks_put(o->recent, parent, frame, o->n_stacks + 1);
	if (n > o->n_stacks) {
		/* A stack's row uses no other members; zeroing them all would cost more than the row. */
		struct mt_event ev;
		ev.kind = MT_STACK;
		ev.stack = ++o->n_stacks;
		ev.parent = parent;
		ev.frame = frame;
		mt_put(o->out, &ev);
	}
	return n;
}

uint32_t output_stack(struct output *o, uint32_t parent, uint32_t frame)
{
	if (o->used.from)
		return stacks_add_stack(o->stacks, parent, frame);
	return o->segments ? define_stack(o->out, o->stacks, parent, frame) : define_recent(o, parent, frame);
}
