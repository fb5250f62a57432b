/*
 * spans.c - the allocations made within the spans of one name
 */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "census_rows.h"
#include "ids.h"
#include "live.h"
#include "threads.h"
#include "xmalloc.h"

#define MAX_OTHERS 10	/* at most so many other names are listed */

/* A free or a resize outside the spans, of a block allocated within one. */
struct change {
	enum mt_kind kind;
	uint32_t tid, id;	/* id: the new one */
	uint64_t size;
};

struct inhabitant {		/* a process */
	uint32_t pid;
	uint64_t depth;		/* number of open spans of the name: of all its threads, … */
	uint64_t running;	/* … and of single ones */
	struct change *changes;
	size_t n_changes, cap_changes;
};

struct of_thread {
	uint64_t skipped;	/* allocations left out since the last MT_SKIPPED */
	uint64_t depth;		/* number of open spans of the name that are this thread's */
};

struct spans {
	const char *name;
	bool any;
	char *others;		/* names, separated by ", " */
	unsigned n_others;
	struct inhabitant *processes;
	size_t n_processes, cap_processes, last;
	struct live *live;	/* by the trace's ids; key: the new one */
	struct ids ids;
	struct census_row row;	/* of a census, with the new ids */
	struct threads *threads;
	struct of_thread *of_threads;	/* by number */
	size_t n_threads, cap_threads;
};

/* Holds the ids that are open in the output: those of live blocks, and those whose frees still wait. */
static void hold(void *arg)
{
	struct spans *s = arg;
	struct block b;
	uint32_t id;

	for (size_t cursor = 0; live_each(s->live, &cursor, &id, &b); )
		ids_hold(&s->ids, b.key);
	for (size_t i = 0; i < s->n_processes; i++)
		for (size_t k = 0; k < s->processes[i].n_changes; k++)
			if (s->processes[i].changes[k].kind == MT_FREE)
				ids_hold(&s->ids, s->processes[i].changes[k].id);
}

struct spans *spans_new(const char *name)
{
	struct spans *s = xcalloc(1, sizeof *s);

	s->name = name;
	s->others = xstrdup("");
	s->live = live_new();
	s->ids = (struct ids){ .holder = hold, .arg = s };
	s->threads = threads_new();
	census_row_init(&s->row);
	return s;
}

static void forget(struct spans *s)
{
	for (size_t i = 0; i < s->n_processes; i++)
		free(s->processes[i].changes);
	s->n_processes = s->last = 0;
	s->n_threads = 0;
	live_clear(s->live);
	ids_clear(&s->ids);
	s->ids = (struct ids){ .holder = hold, .arg = s };
}

void spans_free(struct spans *s)
{
	if (!s)
		return;
	forget(s);
	free(s->processes);
	free(s->of_threads);
	free(s->others);
	live_free(s->live);
	threads_free(s->threads);
	census_row_clear(&s->row);
	free(s);
}

bool spans_any(const struct spans *s, const char **others)
{
	*others = s->others;
	return s->any;
}

static struct inhabitant *process_of(struct spans *s, uint32_t pid)
{
	if (s->last < s->n_processes && s->processes[s->last].pid == pid)
		return &s->processes[s->last];
	for (s->last = 0; s->last < s->n_processes; s->last++)
		if (s->processes[s->last].pid == pid)
			return &s->processes[s->last];
	GROW(s->processes, s->n_processes, s->cap_processes);
	s->processes[s->n_processes++] = (struct inhabitant){ .pid = pid };
	return &s->processes[s->last];
}

static struct of_thread *thread_of(struct spans *s, const struct mt_event *ev)
{
	uint32_t thread = threads_number(s->threads, ev->pid, ev->tid);

	while (s->n_threads <= thread) {
		GROW(s->of_threads, s->n_threads, s->cap_threads);
		s->of_threads[s->n_threads++] = (struct of_thread){ .skipped = 0 };
	}
	return &s->of_threads[thread];
}

/* Writes the changes that waited for another span. */
static int put_changes(struct inhabitant *p, const struct mt_event *now, struct mt_out *out)
{
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct change *c = &p->changes[i];
		struct mt_event ev = {
			.kind = c->kind, .id = c->id, .size = c->size, .pid = p->pid, .tid = c->tid,
			.time_ms = now->time_ms,
		};
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	p->n_changes = 0;
	return 0;
}

static int put(struct spans *s, const struct mt_event *ev, struct mt_out *out)
{
	uint64_t *skipped = &thread_of(s, ev)->skipped;
	struct mt_event row = {
		.kind = MT_SKIPPED, .count = *skipped, .pid = ev->pid, .tid = ev->tid, .time_ms = ev->time_ms
	};

	*skipped = 0;
	if (row.count && mt_put(out, &row) < 0)
		return -1;
	return mt_put(out, ev);
}

static int take_alloc(struct spans *s, const struct mt_event *ev, bool inside, struct mt_out *out)
{
	struct block b;
	struct mt_event now = *ev;

	if (live_close(s->live, ev->id, &b)) {		/* the id's last block was never freed: it ends here */
		struct mt_event end = {
			.kind = MT_FREE, .id = b.key, .pid = ev->pid, .tid = ev->tid, .time_ms = ev->time_ms
		};
		if (put(s, &end, out) < 0)
			return -1;
	}
	if (!inside) {
		thread_of(s, ev)->skipped += mt_is_memory(ev->allocator);
		return 0;
	}
	now.id = ids_take(&s->ids);
	live_open(s->live, ev->id, &(struct block){ .key = now.id }, NULL);
	return put(s, &now, out);
}

/* Takes a free or a resize. */
static int take_change(struct spans *s, struct inhabitant *p, const struct mt_event *ev, bool inside,
		       struct mt_out *out)
{
	struct block b;
	struct mt_event now = *ev;

	if (!(ev->kind == MT_FREE ? live_close(s->live, ev->id, &b) : live_find(s->live, ev->id, &b)))
		return 0;
	now.id = b.key;
	if (inside)
		return put(s, &now, out);
	GROW(p->changes, p->n_changes, p->cap_changes);
	p->changes[p->n_changes++] = (struct change){ ev->kind, ev->tid, b.key, ev->size };
	return 0;
}

static int take_block(struct spans *s, const struct mt_event *ev, bool windowed, struct mt_out *out)
{
	struct inhabitant *p = process_of(s, ev->pid);
	bool inside = windowed && (p->depth > 0 || (p->running > 0 && thread_of(s, ev)->depth > 0));

	if (inside && p->n_changes && put_changes(p, ev, out) < 0)
		return -1;
	return ev->kind == MT_ALLOC ? take_alloc(s, ev, inside, out) : take_change(s, p, ev, inside, out);
}

static void note_other(struct spans *s, struct mt_str name)
{
	char *text = xasprintf("%.*s", (int)(name.n < 100 ? name.n : 100), name.p), *known = s->others;

	for (const char *at = known; (at = strstr(at, text)) != NULL; at++) {
		const char *end = at + strlen(text);
		if ((at == known || at[-1] == ' ') && (*end == '\0' || *end == ',')) {
			free(text);
			return;
		}
	}
	if (s->n_others++ < MAX_OTHERS) {
		s->others = xasprintf("%s%s%s", known, *known ? ", " : "", s->n_others == MAX_OTHERS ? "…" : text);
		free(known);
	}
	free(text);
}

static void take_span(struct spans *s, const struct mt_event *ev)
{
	if (ev->name.n != strlen(s->name) || memcmp(ev->name.p, s->name, ev->name.n) != 0) {
		note_other(s, ev->name);
		return;
	}
	struct inhabitant *p = process_of(s, ev->pid);
	uint64_t *depth = ev->tid ? &thread_of(s, ev)->depth : &p->depth;
	s->any = true;
	if (!ev->count && *depth == 0)
		return;
	*depth = ev->count ? *depth + 1 : *depth - 1;
	if (ev->tid)
		p->running = ev->count ? p->running + 1 : p->running - 1;
}

/* The pid and the numbers of the threads may be reused. */
static void end_process(struct spans *s, uint32_t pid)
{
	struct inhabitant *p = process_of(s, pid);

	p->depth = p->running = 0;
	p->n_changes = 0;
	for (size_t i = 0; i < s->n_threads; i++)
		if (threads_thread(s->threads, (uint32_t)i)->pid == pid)
			s->of_threads[i].depth = 0;
}

int spans_take(struct spans *s, const struct mt_event *ev, bool windowed, struct mt_out *out)
{
	struct inhabitant *p;
	struct mt_event now;

	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
		return take_block(s, ev, windowed, out);
	case MT_SKIPPED:
		thread_of(s, ev)->skipped += ev->count;
		return 0;
	case MT_RSS:
	case MT_MEMORY:
	case MT_LOST:
		p = process_of(s, ev->pid);
		if (!windowed || p->depth + p->running == 0)
			return 0;
		break;
	case MT_BLOCKS:
		now = *ev;
		now.info = census_row_renumber(&s->row, ev->info, s->live);
		return mt_put(out, &now);
	case MT_SPAN:
		take_span(s, ev);
		break;
	case MT_PROCESS:		/* who asks for the shutdown wants its blocks to count: see ending.h */
		if (strcmp(s->name, "shutdown") == 0 && mt_info_int(ev->info, "finalizing", 0))
			return 0;
		break;
	case MT_EXIT:
		end_process(s, ev->pid);
		break;
	case MT_HEADER:
		forget(s);
		break;
	default:
		break;
	}
	return mt_put(out, ev);
}
