/*
 * state.c - memtop's state of a trace
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

static void begin_trace(struct state *s, const struct mt_header *h)
{
	replay_begin(&s->replay, h);
	s->n_processes = 0;
	if (h->begin_ms > s->now_ms)	/* older blocks are live from the beginning of the trace */
		s->now_ms = h->begin_ms;
	resident_clear(&s->resident);
}

void state_init(struct state *s, const struct mt_header *h)
{
	*s = (struct state){ .stacks = stacks_new(), .threads = threads_new(), .peak = peak_new(), .every_ms = 10 };
	begin_trace(s, h);
}

void state_clear(struct state *s)
{
	stacks_free(s->stacks);
	threads_free(s->threads);
	peak_free(s->peak);
	replay_clear(&s->replay);
	resident_clear(&s->resident);
	index_clear(&s->index);
	free(s->sources);
	free(s->last_source);
	free(s->processes);
	free(s->marked);
}

/* ---------------------------------------------------------------- sources */

static bool holds(const void *sources, uint32_t n, const void *key)
{
	const struct source *a = (const struct source *)sources + n, *b = key;

	return a->stack == b->stack && a->thread == b->thread;
}

static uint32_t thread_of(struct state *s, const struct mt_event *ev)
{
	if (!s->any_thread || s->last_pid != ev->pid || s->last_tid != ev->tid) {
		s->last_thread = threads_number(s->threads, ev->pid, ev->tid);
		s->last_pid = ev->pid;
		s->last_tid = ev->tid;
		s->any_thread = true;
	}
	return s->last_thread;
}

static uint32_t find_source(struct state *s, struct source key)
{
	uint32_t n = index_put(&s->index, index_hash(key.stack, key.thread), holds, s->sources, &key, s->n_sources);

	if (n == s->n_sources) {
		GROW(s->sources, (size_t)n, s->cap_sources);
		s->sources[s->n_sources++] = key;
	}
	GROW_ZEROED(s->last_source, (size_t)key.stack, s->n_last_source, s->cap_last_source);
	s->last_source[key.stack] = n + 1;
	return n;
}

/* Most stacks are those of one thread: tries the last source of the stack first. */
static uint32_t source_of(struct state *s, const struct mt_event *ev)
{
	struct source key = { stacks_number(s->stacks, ev->stack), thread_of(s, ev) };
	uint32_t n = key.stack < s->n_last_source ? s->last_source[key.stack] : 0;

	return n && s->sources[n - 1].thread == key.thread ? n - 1 : find_source(s, key);
}

struct amount state_at(const struct state *s, uint32_t source, bool at_peak)
{
	return at_peak ? peak_now_at(s->peak, source) : peak_live_at(s->peak, source);
}

void state_mark(struct state *s)
{
	s->marked = xreallocarray(s->marked, (size_t)s->n_sources + 1, sizeof *s->marked);
	for (uint32_t i = 0; i < s->n_sources; i++)
		s->marked[i] = peak_live_at(s->peak, i);
	s->n_marked = s->n_sources;
	s->marked_ms = s->now_ms;
}

uint64_t state_marked_bytes(const struct state *s, uint32_t source)
{
	return source < s->n_marked ? s->marked[source].bytes : 0;
}

/* ---------------------------------------------------------------- the course */

/* Joins each two intervals. */
static void halve(struct state *s)
{
	for (uint32_t i = 0; i < COURSE_MOST / 2; i++) {
		struct sample *a = &s->course[2 * i], *b = &s->course[2 * i + 1];
		s->course[i] = (struct sample){ .heap = a->heap > b->heap ? a->heap : b->heap,
						.rss = a->rss > b->rss ? a->rss : b->rss };
	}
	s->n_course = COURSE_MOST / 2;
	s->every_ms *= 2;
}

/* Ends the intervals up to now. */
static void next_interval(struct state *s, struct sample now)
{
	while (s->now_ms / s->every_ms >= COURSE_MOST) {
		while (s->n_course < COURSE_MOST)
			s->course[s->n_course++] = now;
		halve(s);
	}
	while (s->n_course <= s->now_ms / s->every_ms)
		s->course[s->n_course++] = now;
	s->interval_end_ms = s->n_course * s->every_ms;
}

static void note(struct state *s)
{
	struct sample now = { peak_live(s->peak).bytes, s->resident.all.rss };

	if (s->now_ms >= s->interval_end_ms)
		next_interval(s, now);
	struct sample *at = &s->course[s->n_course - 1];
	at->heap = now.heap > at->heap ? now.heap : at->heap;
	at->rss = now.rss > at->rss ? now.rss : at->rss;
}

/* ---------------------------------------------------------------- events */

static struct inhabitant *process_of(struct state *s, uint32_t pid)
{
	size_t i = 0;

	while (i < s->n_processes && s->processes[i].pid != pid)
		i++;
	if (i == s->n_processes) {
		GROW(s->processes, s->n_processes, s->cap_processes);
		s->processes[s->n_processes++] = (struct inhabitant){ .pid = pid };
	}
	return &s->processes[i];
}

static void end_process(struct state *s, uint32_t pid)
{
	struct inhabitant *p = process_of(s, pid);
	struct share gone;

	for (size_t cursor = 0; replay_exit(&s->replay, pid, &cursor, &gone);)
		peak_sub(s->peak, gone.key, gone.amount);
	*p = s->processes[--s->n_processes];
}

static void open_block(struct state *s, const struct mt_event *ev)
{
	uint32_t source = source_of(s, ev);
	struct share old;

	if (replay_open(&s->replay, ev, source, &old))
		peak_sub(s->peak, old.key, old.amount);
	peak_add(s->peak, source, amount_of(ev->size, ev->weight));
}

/* Another trace begins: old blocks are gone, and old ids and numbers are void. */
static void next_trace(struct state *s, const struct mt_header *h)
{
	struct share gone;

	for (size_t cursor = 0; replay_each(&s->replay, &cursor, &gone);)
		peak_sub(s->peak, gone.key, gone.amount);
	begin_trace(s, h);
}

void state_take(struct state *s, const struct mt_event *ev, const struct mt_header *h)
{
	struct share gone;

	s->events++;
	if (ev->time_ms > s->now_ms && mt_kind_has_pid(ev->kind) && ev->kind != MT_PROCESS)
		s->now_ms = ev->time_ms;
	switch (ev->kind) {
	case MT_ALLOC:
		open_block(s, ev);
		note(s);
		break;
	case MT_FREE:
		if (replay_close(&s->replay, ev->id, &gone))
			peak_sub(s->peak, gone.key, gone.amount);
		break;
	case MT_RESIZE:
		if (replay_resize(&s->replay, ev, &gone))
			peak_sub(s->peak, gone.key, gone.amount);
		break;
	case MT_RSS:
	case MT_MEMORY:
		process_of(s, ev->pid);
		resident_take(&s->resident, ev);
		note(s);
		break;
	case MT_PROCESS:
		process_of(s, ev->pid);
		break;
	case MT_EXIT:
		end_process(s, ev->pid);
		resident_take(&s->resident, ev);
		note(s);
		break;
	case MT_HEADER:
		next_trace(s, h);
		stacks_take(s->stacks, ev);
		break;
	case MT_THREAD:
		threads_take(s->threads, ev);
		break;
	default:
		stacks_take(s->stacks, ev);
	}
}
