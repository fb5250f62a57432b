/*
 * trace.c - read a trace for a page: the interval of every allocation, and processes, spans, resident memory, losses
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "provenance.h"
#include "replay.h"
#include "xmalloc.h"

#define SPANS 2000		/* at most so many are kept */

/* The last two allocations of a thread, which are temporary if it frees them now (memtemp(1)). */
struct recent {
	uint64_t birth[2];	/* points_birth(); 0 = none */
};

struct reading {
	struct recording *r;
	struct replay replay;	/* keys are numbers of points.h */
	struct recent *recent;	/* per thread */
	size_t n_recent, cap_recent;
	uint64_t rss;		/* of all processes */
	struct resident resident;
	struct high_water water;	/* of a sampled trace: the mark, … */
	struct variance mark;		/* … and its variances */
};

/* ---------------------------------------------------------------- processes */

static struct process *process_of(struct recording *r, uint32_t pid)
{
	uint32_t n = *pids_number(&r->pids, pid);

	return n == PIDS_NONE || r->processes[n].ended ? NULL : &r->processes[n];
}

static struct process *see_process(struct recording *r, uint32_t pid, uint64_t time_ms)
{
	struct process *p = process_of(r, pid);

	if (p)
		return p;
	GROW(r->processes, r->n_processes, r->cap_processes);
	*pids_number(&r->pids, pid) = (uint32_t)r->n_processes;
	p = &r->processes[r->n_processes++];
	*p = (struct process){
		.pid = pid, .command = xstrdup(""), .begin_ms = time_ms, .end_ms = UINT64_MAX, .ending_seq = UINT64_MAX,
		.script_ms = UINT64_MAX, .shutdown_ms = UINT64_MAX,
	};
	return p;
}

static void take_process(struct reading *g, const struct mt_event *ev)
{
	struct process *p = see_process(g->r, ev->pid, ev->time_ms);
	char *command = mt_info_words(ev->info, "command");
	if (!command && errno == ENOMEM)
		die("out of memory");

	if (command) {
		free(p->command);
		p->command = command;
	}
	if (p->ending_seq == UINT64_MAX && mt_info_int(ev->info, "finalizing", 0))
		p->ending_seq = points_now(g->r->points);
}

static void take_rss(struct reading *g, uint32_t pid, uint64_t rss, uint64_t time_ms)
{
	struct process *p = see_process(g->r, pid, time_ms);

	g->rss += rss - p->rss;
	p->rss = rss;
	points_rss(g->r->points, g->rss);
}

/* Whether its interpreter shuts down: see ending.h. */
static bool is_ending(const struct process *p)
{
	return p && p->ending_seq != UINT64_MAX;
}

/* Returns the fate of an allocation of that process that ends, or is open at the end of the trace. */
static enum fate fate_of(const struct process *p, uint64_t birth, bool process_ends)
{
	if (is_ending(p))
		return birth > p->ending_seq ? FATE_NO_LEAK : FATE_LEAKED;
	return process_ends ? FATE_LEAKED : FATE_FREED;
}

/* ---------------------------------------------------------------- allocations */

static void sum(struct recording *r, uint32_t key, struct amount a)
{
	if (key >= r->n_sums) {
		GROW(r->sums, (size_t)key, r->cap_sums);
		memset(r->sums + r->n_sums, 0, ((size_t)key + 1 - r->n_sums) * sizeof *r->sums);
		r->n_sums = (size_t)key + 1;
	}
	amount_add(&r->sums[key], a);
}

static struct recent *recent_of(struct reading *g, uint32_t thread)
{
	if (thread >= g->n_recent) {
		GROW(g->recent, (size_t)thread, g->cap_recent);
		memset(g->recent + g->n_recent, 0, ((size_t)thread + 1 - g->n_recent) * sizeof *g->recent);
		g->n_recent = (size_t)thread + 1;
	}
	return &g->recent[thread];
}

static void push_recent(struct reading *g, uint32_t thread, uint64_t birth)
{
	struct recent *recent = recent_of(g, thread);

	recent->birth[1] = recent->birth[0];
	recent->birth[0] = birth;
}

/* Returns whether the thread that frees the allocation made it, and made at most one other since. */
static bool is_temporary(struct reading *g, uint32_t thread, uint32_t freeing, uint64_t birth)
{
	const struct recent *recent = recent_of(g, thread);

	return thread == freeing && (birth == recent->birth[0] || birth == recent->birth[1]);
}

static uint32_t thread_of(const struct recording *r, uint32_t number)
{
	return r->keys.at[points_key(r->points, number)].thread;
}

/* Whether its interpreter made it while it shut down. */
static bool is_apart(const struct reading *g, const struct share *s)
{
	const struct process *p = process_of(g->r, s->pid);

	return is_ending(p) && points_birth(g->r->points, s->key) > p->ending_seq;
}

/* For the standard errors, which points.h does not keep: memory is added or gone. */
static void add_to_water(struct reading *g, struct amount a)
{
	if (!g->replay.sampled)
		return;
	high_water_add(&g->water, a);
	if (!g->water.below)
		g->mark = g->replay.live_variance;
}

static void take_from_water(struct reading *g, const struct share *gone)
{
	if (g->replay.sampled && !is_apart(g, gone))
		high_water_sub(&g->water, gone->amount);
}

static void end_block(struct recording *r, const struct share *ended, bool process_ends, bool temporary)
{
	enum fate fate = fate_of(process_of(r, ended->pid), points_birth(r->points, ended->key), process_ends);

	points_end(r->points, ended->key, ended->amount, fate, temporary);
}

/*
 * The phase that an allocation was made in. In an answer it may come later than it was made, so its time decides; in
 * the millisecond in which a phase ends, for the script.
 */
static enum phase phase_of(const struct reading *g, const struct process *p, const struct mt_event *ev)
{
	if (!p)
		return PHASE_SCRIPT;
	if (!g->replay.answer || p->phase == PHASE_START_UP)
		return p->phase;
	if (p->script_ms != UINT64_MAX && ev->time_ms < p->script_ms)
		return PHASE_START_UP;
	return ev->time_ms > p->shutdown_ms ? PHASE_SHUTDOWN : PHASE_SCRIPT;
}

static void open_block(struct reading *g, const struct mt_event *ev)
{
	struct recording *r = g->r;
	uint32_t thread = threads_number(r->threads, ev->pid, ev->tid);
	struct amount a = amount_of(ev->size, ev->weight);
	const struct process *process = process_of(r, ev->pid);
	uint32_t key = keys_number(&r->keys, (struct who){
		thread, stacks_number(r->stacks, ev->stack), ev->allocator, phase_of(g, process, ev) });
	struct share old;

	r->allocators |= UINT64_C(1) << (ev->allocator & 63);
	if (g->replay.answer) {
		sum(r, key, a);
		return;
	}
	uint32_t number = points_number(r->points);
	if (replay_open(&g->replay, ev, number, &old)) {
		take_from_water(g, &old);
		end_block(r, &old, false, false);
		points_settle(r->points);
	}
	if (is_ending(process))
		points_begin_apart(r->points, number, key);
	else
		points_begin(r->points, number, key, a);
	if (!is_ending(process))
		add_to_water(g, a);
	push_recent(g, thread, points_birth(r->points, number));
}

static void close_block(struct reading *g, const struct mt_event *ev)
{
	struct recording *r = g->r;
	struct share ended;

	if (!replay_close(&g->replay, ev->id, &ended))
		return;
	take_from_water(g, &ended);
	uint32_t freeing = threads_number(r->threads, ev->pid, ev->tid);
	end_block(r, &ended, false,
		  is_temporary(g, thread_of(r, ended.key), freeing, points_birth(r->points, ended.key)));
	points_settle(r->points);
}

static void resize_block(struct reading *g, const struct mt_event *ev)
{
	struct recording *r = g->r;
	struct share lost;

	if (!replay_resize(&g->replay, ev, &lost))
		return;
	take_from_water(g, &lost);
	struct recent *recent = recent_of(g, thread_of(r, lost.key));
	for (int i = 0; i < 2; i++)		/* an allocation freed in parts is not temporary */
		if (recent->birth[i] == points_birth(r->points, lost.key))
			recent->birth[i] = 0;
	enum fate fate = fate_of(process_of(r, lost.pid), points_birth(r->points, lost.key), false);
	points_shrink(r->points, lost.key, lost.amount, fate);
	points_settle(r->points);
}

/* A process ended, and its memory with it. Memory that it held at an exec does not count as leaked. */
static void close_process(struct reading *g, const struct mt_event *ev)
{
	struct recording *r = g->r;
	bool is_exec = replay_is_exec(ev);
	struct share ended;

	for (size_t cursor = 0; replay_exit(&g->replay, ev->pid, &cursor, &ended);) {
		take_from_water(g, &ended);
		if (is_exec)
			points_end(r->points, ended.key, ended.amount, FATE_NO_LEAK, false);
		else
			end_block(r, &ended, true, false);
	}
	points_settle(r->points);
	take_rss(g, ev->pid, 0, ev->time_ms);
	resident_take(&g->resident, ev);
	struct process *p = see_process(r, ev->pid, ev->time_ms);
	p->end_ms = ev->time_ms;
	p->ended = true;
	for (size_t i = 0; i < r->n_spans; i++)
		if (r->spans[i].pid == ev->pid && r->spans[i].end_ms == UINT64_MAX)
			r->spans[i].end_ms = ev->time_ms;
}

/* ---------------------------------------------------------------- spans, losses */

static char *text_of(struct mt_str s)
{
	char *text = xmalloc(s.n + 1);

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

/* The recorder's own (memtrace(5)): a later phase begins where the one before ends. */
static void take_phase(struct recording *r, const struct mt_event *ev)
{
	static const char *const names[] = {
		[PHASE_SCRIPT] = "script", [PHASE_START_UP] = "start-up", [PHASE_SHUTDOWN] = "shutdown",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (ev->count && ev->name.n == strlen(names[i]) && memcmp(ev->name.p, names[i], ev->name.n) == 0) {
			struct process *p = see_process(r, ev->pid, ev->time_ms);
			p->phase = (enum phase)i;
			if (i == PHASE_SCRIPT)
				p->script_ms = ev->time_ms;
			if (i == PHASE_SHUTDOWN)
				p->shutdown_ms = ev->time_ms;
			r->has_phases = true;
		}
}

static void take_span(struct recording *r, const struct mt_event *ev)
{
	if (ev->tid == 0)
		take_phase(r, ev);
	if (ev->count) {
		if (r->n_spans == SPANS)
			return;
		GROW(r->spans, r->n_spans, r->cap_spans);
		r->spans[r->n_spans++] = (struct named_span){
			.pid = ev->pid, .name = text_of(ev->name), .begin_ms = ev->time_ms, .end_ms = UINT64_MAX,
		};
		return;
	}
	for (size_t i = r->n_spans; i-- > 0;) {
		struct named_span *s = &r->spans[i];
		if (s->pid == ev->pid && s->end_ms == UINT64_MAX && strlen(s->name) == ev->name.n &&
		    memcmp(s->name, ev->name.p, ev->name.n) == 0) {
			s->end_ms = ev->time_ms;
			return;
		}
	}
}

static void take_lost(struct recording *r, const struct mt_event *ev)
{
	size_t i = 0;

	while (i < r->n_lost &&
	       (strlen(r->lost[i].reason) != ev->name.n || memcmp(r->lost[i].reason, ev->name.p, ev->name.n) != 0))
		i++;
	if (i == r->n_lost) {
		GROW(r->lost, r->n_lost, r->cap_lost);
		r->lost[r->n_lost++] = (struct lost){ .reason = text_of(ev->name) };
	}
	r->lost[i].count += ev->count;
}

/* ---------------------------------------------------------------- one trace, and several */

static void begin_trace(struct reading *g, const struct mt_header *h)
{
	struct recording *r = g->r;

	replay_begin(&g->replay, h);
	g->rss = 0;
	resident_clear(&g->resident);
	g->n_recent = 0;
	points_free(r->points);
	r->points = points_new();
	for (size_t i = 0; i < r->n_processes; i++)
		r->processes[i].ended = true;
	r->native |= h->native;
	r->python_allocators |= h->python_allocators;
	r->n_traces++;
}

/* Adds the allocations that are open at the end of the trace. */
static void end_trace(struct reading *g)
{
	struct recording *r = g->r;
	struct share open;

	points_close(r->points);
	for (size_t cursor = 0; replay_each(&g->replay, &cursor, &open);)
		points_leave(r->points, open.key, open.amount,
			     fate_of(process_of(r, open.pid), points_birth(r->points, open.key), false));
	points_finish(r->points);
}

bool recording_wants(const struct recording *r, const struct interval *i)
{
	uint32_t most = 2 * r->highest;

	if (i->fate == FATE_TEMPORARY)
		return false;
	switch (r->what) {
	case TALLY_PEAK: return i->begin <= most && most < i->end;
	case TALLY_LEAKS:
		return i->fate == FATE_LEAKED || (i->fate == FATE_FREED && i->end == 2 * points_slices(r->points));
	default: return true;
	}
}

/* At the end of a trace: adds its requested memory to the sums, which are all that is kept of joined traces. */
static void settle(struct reading *g, bool joined)
{
	struct recording *r = g->r;

	if (g->replay.answer)
		return;
	end_trace(g);
	r->highest = (uint32_t)points_highest(r->points);
	for (size_t i = 0; joined && i < points_intervals(r->points); i++) {
		struct interval interval = points_interval(r->points, i);
		if (recording_wants(r, &interval))
			sum(r, interval.key, interval.amount);
	}
}

static void take(struct reading *g, const struct mt_event *ev, struct mt_in *in)
{
	struct recording *r = g->r;

	switch (ev->kind) {
	case MT_ALLOC: open_block(g, ev); break;
	case MT_FREE: close_block(g, ev); break;
	case MT_RESIZE: resize_block(g, ev); break;
	case MT_PROCESS: take_process(g, ev); break;
	case MT_EXIT: close_process(g, ev); break;
	case MT_RSS: take_rss(g, ev->pid, ev->size, ev->time_ms); break;
	case MT_MEMORY:
		resident_take(&g->resident, ev);
		resident_raise(&r->most_memory, &g->resident.all);
		break;
	case MT_THREAD: threads_take(r->threads, ev); break;
	case MT_SPAN: take_span(r, ev); break;
	case MT_LOST: take_lost(r, ev); break;
	case MT_SOURCE:
		if (r->sources)
			sources_take(r->sources, ev);
		break;
	case MT_SKIPPED:
		for (uint64_t i = 0; i < ev->count && i < 2; i++)
			push_recent(g, threads_number(r->threads, ev->pid, ev->tid), 0);
		break;
	case MT_HEADER:
		settle(g, true);
		stacks_take(r->stacks, ev);
		begin_trace(g, mt_in_header(in));
		break;
	default:
		stacks_take(r->stacks, ev);
	}
}

struct recording *recording_read(struct mt_in *in, enum tally_what what, bool source)
{
	struct recording *r = xcalloc(1, sizeof *r);
	struct reading g = { .r = r };
	const struct mt_header *h = mt_in_header(in);
	struct mt_event ev;

	r->what = what;
	r->stacks = stacks_new();
	r->sources = source ? sources_new() : NULL;
	r->threads = threads_new();
	r->title = tally_title(h, what);
	r->filters = provenance_title(h, "");
	r->command = xstrdup(h->command);
	r->host = xstrdup(h->host);
	r->start_ns = h->start_ns;
	r->sample_bytes = h->sample_bytes;
	begin_trace(&g, h);
	while (mt_next(in, &ev) > 0) {
		if (ev.time_ms > r->end_ms)
			r->end_ms = ev.time_ms;
		points_reach(r->points, mt_known_ms(mt_in_header(in), &ev));
		take(&g, &ev, in);
	}
	settle(&g, r->n_traces > 1);
	r->most = g.water.max;
	r->most_error = variance_error(g.mark);
	if (r->n_traces > 1 || g.replay.answer) {
		points_free(r->points);
		r->points = NULL;
	}
	replay_clear(&g.replay);
	resident_clear(&g.resident);
	keys_close(&r->keys);
	free(g.recent);
	return r;
}

void recording_drop_commands(struct recording *r)
{
	r->command[0] = '\0';
	for (size_t i = 0; i < r->n_processes; i++)
		r->processes[i].command[0] = '\0';
}

void recording_planted(struct recording *r)
{
	stacks_free(r->stacks);
	sources_free(r->sources);
	threads_free(r->threads);
	keys_clear(&r->keys);
	r->stacks = NULL;
	r->sources = NULL;
	r->threads = NULL;
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	recording_planted(r);
	points_free(r->points);
	for (size_t i = 0; i < r->n_processes; i++)
		free(r->processes[i].command);
	for (size_t i = 0; i < r->n_spans; i++)
		free(r->spans[i].name);
	for (size_t i = 0; i < r->n_lost; i++)
		free(r->lost[i].reason);
	free(r->processes);
	pids_clear(&r->pids);
	free(r->spans);
	free(r->lost);
	free(r->sums);
	free(r->title);
	free(r->filters);
	free(r->command);
	free(r->host);
	free(r);
}
