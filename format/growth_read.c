/*
 * growth_read.c - the growth of a trace's live memory
 */
#include "growth_read.h"

#include <stdlib.h>

#include "collections.h"
#include "ending.h"
#include "pids.h"
#include "replay.h"
#include "xmalloc.h"

#define AUTOMATIC_INTERVALS 64
#define MOST_INTERVALS 1024

/* A process of the trace. */
struct inhabitant {
	uint32_t pid;
	bool ending;		/* its interpreter shuts down */
	uint64_t rss;
};

struct reading {
	struct growth *growth;
	struct origins *origins;
	struct stacks *stacks;
	struct replay replay;	/* its keys: cohorts */
	struct ending ending;
	struct collections collections;
	struct inhabitant *processes;	/* those that have not ended */
	size_t n_processes, cap_processes;
	struct pids pids;		/* their places */
	size_t n_going_on;		/* those of them that are not ending */
	uint64_t rss, end_rss;		/* of all, now; at the end of the course, if that is held */
	struct variance end_variance;	/* then too, of a sampled trace */
	bool begun;
	uint32_t only;			/* the only process that is read; 0: all are */
	char *command;			/* its command */
	uint64_t start_ns;		/* of the current trace */
	uint64_t offset_ms, last_ms;	/* offset_ms: added to this trace's times; last_ms: the current time, with it */
};

/* ---------------------------------------------------------------- processes */

static struct inhabitant *process_of(struct reading *r, uint32_t pid)
{
	uint32_t *n = pids_number(&r->pids, pid);
	if (*n != PIDS_NONE)
		return &r->processes[*n];
	GROW(r->processes, r->n_processes, r->cap_processes);
	*n = (uint32_t)r->n_processes++;
	r->processes[*n] = (struct inhabitant){ .pid = pid };
	r->n_going_on++;
	return &r->processes[*n];
}

/* The process begins to end: if it is the last one, its frees from now on mean nothing. */
static void begin_ending(struct reading *r, struct inhabitant *p)
{
	if (p->ending || r->replay.answer)
		return;
	growth_hold(r->growth);
	r->end_rss = r->rss;
	r->end_variance = r->replay.live_variance;
	p->ending = true;
	r->n_going_on--;
}

static void end_process(struct reading *r, uint32_t pid)
{
	struct inhabitant *p = process_of(r, pid);
	struct share gone;

	begin_ending(r, p);
	for (size_t cursor = 0; replay_exit(&r->replay, pid, &cursor, &gone); )
		growth_sub(r->growth, gone.key, gone.amount);
	r->rss -= p->rss;
	*pids_number(&r->pids, pid) = PIDS_NONE;
	*p = r->processes[--r->n_processes];	/* the last takes its place */
	if (p < &r->processes[r->n_processes])
		*pids_number(&r->pids, p->pid) = (uint32_t)(p - r->processes);
}

/* ---------------------------------------------------------------- events */

static void open_block(struct reading *r, const struct mt_event *ev)
{
	struct share old;

	r->begun = true;
	process_of(r, ev->pid);
	uint32_t cohort = growth_add(r->growth, origins_number(r->origins, ev), amount_of(ev->size, ev->weight),
				     ev->time_ms + r->offset_ms);
	if (replay_open(&r->replay, ev, cohort, &old))
		growth_sub(r->growth, old.key, old.amount);
}

/* Parts of one recording have the same start; any other trace continues in time where the previous one ended. */
static void begin_trace(struct reading *r, const struct mt_header *h)
{
	if (!h->start_ns || h->start_ns != r->start_ns)
		r->offset_ms = r->last_ms;
	r->start_ns = h->start_ns;
	r->n_processes = r->n_going_on = 0;
	r->rss = 0;
	pids_clear(&r->pids);
	if (r->begun && h->begin_ms)	/* blocks live before the file are live until its beginning */
		growth_reach(r->growth, h->begin_ms + r->offset_ms, false);
	replay_begin(&r->replay, h);
	ending_begin(&r->ending, h);
	growth_void(r->growth);
}

/*
 * Returns whether this event advances the course, which begins with the first allocation. A filter may pass on other
 * rows at times when it has no blocks: rows about processes, and if it answers (at the end), all other rows.
 */
static bool passes_time(const struct reading *r, const struct mt_event *ev)
{
	if (ev->kind == MT_ALLOC)
		return true;
	return (ev->kind == MT_FREE || ev->kind == MT_RESIZE || ev->kind == MT_RSS) && r->begun && !r->replay.answer;
}

static void keep_command(struct reading *r, const struct mt_event *ev)
{
	char *command = r->only ? mt_info_words(ev->info, "command") : NULL;

	if (!command)
		return;
	free(r->command);
	r->command = command;
}

static void take(struct reading *r, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;

	if (r->only && ev->kind != MT_HEADER && ev->pid != r->only) {
		stacks_take(r->stacks, ev);
		return;
	}
	if (passes_time(r, ev)) {
		r->last_ms = mt_known_ms(mt_in_header(in), ev) + r->offset_ms;
		growth_reach(r->growth, r->last_ms, r->n_processes > 0 && r->n_going_on == 0);
	}
	stacks_take(r->stacks, ev);
	origins_take(r->origins, ev);
	collections_take(&r->collections, ev);
	switch (ev->kind) {
	case MT_ALLOC:
		open_block(r, ev);
		break;
	case MT_FREE:
		if (replay_close(&r->replay, ev->id, &gone))
			growth_freed(r->growth, gone.key, gone.amount, collections_made(&r->collections, ev));
		break;
	case MT_RESIZE:
		if (replay_resize(&r->replay, ev, &gone))
			growth_sub(r->growth, gone.key, gone.amount);
		break;
	case MT_RSS:
		r->rss += ev->size - process_of(r, ev->pid)->rss;
		process_of(r, ev->pid)->rss = ev->size;
		break;
	case MT_PROCESS:
		keep_command(r, ev);
		if (ending_take(&r->ending, ev))
			begin_ending(r, process_of(r, ev->pid));
		else
			process_of(r, ev->pid);
		break;
	case MT_EXIT:
		ending_take(&r->ending, ev);
		end_process(r, ev->pid);
		break;
	case MT_HEADER:
		begin_trace(r, mt_in_header(in));
		break;
	default:
		break;
	}
}

static struct grown_trace read_all(struct mt_in *in, enum origins_by by, uint64_t every_ms, uint32_t only)
{
	struct stacks *stacks = stacks_new();
	struct reading r = {
		.growth = growth_new(every_ms ? every_ms : 1, every_ms ? MOST_INTERVALS : AUTOMATIC_INTERVALS),
		.stacks = stacks,
		.origins = origins_new(by, stacks),
		.only = only,
	};
	struct mt_event ev;

	mt_in_memory_only(in);
	r.start_ns = mt_in_header(in)->start_ns;
	begin_trace(&r, mt_in_header(in));
	while (mt_next(in, &ev) > 0)
		take(&r, &ev, in);
	growth_end(r.growth);
	struct variance end = r.n_going_on ? r.replay.live_variance : r.end_variance;
	replay_clear(&r.replay);
	ending_clear(&r.ending);
	bool watched = r.collections.watched;
	collections_clear(&r.collections);
	free(r.processes);
	pids_clear(&r.pids);
	return (struct grown_trace){ r.growth, r.origins, r.stacks, r.n_going_on ? r.rss : r.end_rss,
				      r.command, variance_error(end), watched };
}

struct grown_trace growth_read(struct mt_in *in, enum origins_by by, uint64_t every_ms)
{
	return read_all(in, by, every_ms, 0);
}

struct grown_trace growth_read_process(struct mt_in *in, enum origins_by by, uint32_t pid)
{
	return read_all(in, by, 0, pid);
}

void growth_read_clear(struct grown_trace *t)
{
	free(t->command);
	growth_free(t->growth);
	origins_free(t->origins);
	stacks_free(t->stacks);
}
