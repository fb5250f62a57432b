/*
 * occurrences.c - what was allocated within the spans of one name
 */
#include "occurrences.h"

#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "live.h"
#include "threads.h"
#include "xmalloc.h"

#define MAX_OTHERS 10	/* names that are kept to be told */

/* A free or a resize outside the spans, of what was allocated in one. */
struct change {
	enum mt_kind kind;
	uint32_t tid, id;	/* id: as given anew */
	uint64_t size;
};

struct inhabitant {		/* a process */
	uint32_t pid;
	uint64_t depth;		/* spans of the name that are open */
	struct change *changes;
	size_t n_changes, cap_changes;
};

struct occurrences {
	const char *name;
	bool any;
	char *others;		/* names, separated by ", " */
	unsigned n_others;
	struct inhabitant *processes;
	size_t n_processes, cap_processes, last;
	struct live *live;	/* by the trace's ids; key: the new one */
	struct ids ids;
	struct threads *threads;
	uint64_t *skipped;	/* by number of a thread: left out and not told yet */
	size_t n_skipped, cap_skipped;
};

/* The ids that are open behind us: those alive here, and those whose free is yet to be told. */
static void hold(void *arg)
{
	struct occurrences *o = arg;
	struct block b;
	uint32_t id;

	for (size_t cursor = 0; live_each(o->live, &cursor, &id, &b); )
		ids_hold(&o->ids, b.key);
	for (size_t i = 0; i < o->n_processes; i++)
		for (size_t k = 0; k < o->processes[i].n_changes; k++)
			if (o->processes[i].changes[k].kind == MT_FREE)
				ids_hold(&o->ids, o->processes[i].changes[k].id);
}

struct occurrences *occurrences_new(const char *name)
{
	struct occurrences *o = xcalloc(1, sizeof *o);

	o->name = name;
	o->others = xstrdup("");
	o->live = live_new();
	o->ids = (struct ids){ .holder = hold, .arg = o };
	o->threads = threads_new();
	return o;
}

static void forget(struct occurrences *o)
{
	for (size_t i = 0; i < o->n_processes; i++)
		free(o->processes[i].changes);
	o->n_processes = o->last = 0;
	o->n_skipped = 0;
	live_clear(o->live);
	ids_clear(&o->ids);
	o->ids = (struct ids){ .holder = hold, .arg = o };
}

void occurrences_free(struct occurrences *o)
{
	if (!o)
		return;
	forget(o);
	free(o->processes);
	free(o->skipped);
	free(o->others);
	live_free(o->live);
	threads_free(o->threads);
	free(o);
}

bool occurrences_any(const struct occurrences *o, const char **others)
{
	*others = o->others;
	return o->any;
}

static struct inhabitant *process_of(struct occurrences *o, uint32_t pid)
{
	if (o->last < o->n_processes && o->processes[o->last].pid == pid)
		return &o->processes[o->last];
	for (o->last = 0; o->last < o->n_processes; o->last++)
		if (o->processes[o->last].pid == pid)
			return &o->processes[o->last];
	GROW(o->processes, o->n_processes, o->cap_processes);
	o->processes[o->n_processes++] = (struct inhabitant){ .pid = pid };
	return &o->processes[o->last];
}

static uint64_t *skipped_of(struct occurrences *o, const struct mt_event *ev)
{
	uint32_t thread = threads_number(o->threads, ev->pid, ev->tid);

	while (o->n_skipped <= thread) {
		GROW(o->skipped, o->n_skipped, o->cap_skipped);
		o->skipped[o->n_skipped++] = 0;
	}
	return &o->skipped[thread];
}

/* What waited for a span to come. */
static int put_changes(struct inhabitant *p, const struct mt_event *now, struct mt_out *out)
{
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct change *c = &p->changes[i];
		struct mt_event ev = {
			.kind = c->kind, .id = c->id, .size = c->size, .pid = p->pid, .tid = c->tid, .time_ms = now->time_ms,
		};
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	p->n_changes = 0;
	return 0;
}

static int put(struct occurrences *o, const struct mt_event *ev, struct mt_out *out)
{
	uint64_t *skipped = skipped_of(o, ev);
	struct mt_event row = { .kind = MT_SKIPPED, .count = *skipped, .pid = ev->pid, .tid = ev->tid, .time_ms = ev->time_ms };

	*skipped = 0;
	if (row.count && mt_put(out, &row) < 0)
		return -1;
	return mt_put(out, ev);
}

static int take_alloc(struct occurrences *o, const struct mt_event *ev, bool inside, struct mt_out *out)
{
	struct block b;
	struct mt_event now = *ev;

	if (live_close(o->live, ev->id, &b)) {		/* it should have been freed */
		struct mt_event end = { .kind = MT_FREE, .id = b.key, .pid = ev->pid, .tid = ev->tid, .time_ms = ev->time_ms };
		if (put(o, &end, out) < 0)
			return -1;
	}
	if (!inside) {
		++*skipped_of(o, ev);
		return 0;
	}
	now.id = ids_take(&o->ids);
	live_open(o->live, ev->id, &(struct block){ .key = now.id });
	return put(o, &now, out);
}

/* A free or a resize. */
static int take_change(struct occurrences *o, struct inhabitant *p, const struct mt_event *ev, bool inside, struct mt_out *out)
{
	struct block b;
	struct mt_event now = *ev;

	if (!(ev->kind == MT_FREE ? live_close(o->live, ev->id, &b) : live_find(o->live, ev->id, &b)))
		return 0;
	now.id = b.key;
	if (inside)
		return put(o, &now, out);
	GROW(p->changes, p->n_changes, p->cap_changes);
	p->changes[p->n_changes++] = (struct change){ ev->kind, ev->tid, b.key, ev->size };
	return 0;
}

static int take_block(struct occurrences *o, const struct mt_event *ev, bool windowed, struct mt_out *out)
{
	struct inhabitant *p = process_of(o, ev->pid);
	bool inside = p->depth > 0 && windowed;

	if (inside && p->n_changes && put_changes(p, ev, out) < 0)
		return -1;
	return ev->kind == MT_ALLOC ? take_alloc(o, ev, inside, out) : take_change(o, p, ev, inside, out);
}

static void note_other(struct occurrences *o, struct mt_str name)
{
	char *text = xasprintf("%.*s", (int)(name.n < 100 ? name.n : 100), name.p), *known = o->others;

	for (const char *at = known; (at = strstr(at, text)) != NULL; at++) {
		const char *end = at + strlen(text);
		if ((at == known || at[-1] == ' ') && (*end == '\0' || *end == ',')) {
			free(text);
			return;
		}
	}
	if (o->n_others++ < MAX_OTHERS) {
		o->others = xasprintf("%s%s%s", known, *known ? ", " : "", o->n_others == MAX_OTHERS ? "…" : text);
		free(known);
	}
	free(text);
}

static void take_span(struct occurrences *o, const struct mt_event *ev)
{
	if (ev->name.n != strlen(o->name) || memcmp(ev->name.p, o->name, ev->name.n) != 0) {
		note_other(o, ev->name);
		return;
	}
	struct inhabitant *p = process_of(o, ev->pid);
	o->any = true;
	if (ev->count)
		p->depth++;
	else if (p->depth > 0)
		p->depth--;
}

int occurrences_take(struct occurrences *o, const struct mt_event *ev, bool windowed, struct mt_out *out)
{
	struct inhabitant *p;

	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
		return take_block(o, ev, windowed, out);
	case MT_SKIPPED:
		*skipped_of(o, ev) += ev->count;
		return 0;
	case MT_RSS:
	case MT_LOST:
		if (!windowed || process_of(o, ev->pid)->depth == 0)
			return 0;
		break;
	case MT_SPAN:
		take_span(o, ev);
		break;
	case MT_EXIT:			/* its pid may be another's next */
		p = process_of(o, ev->pid);
		p->depth = 0;
		p->n_changes = 0;
		break;
	case MT_HEADER:
		forget(o);
		break;
	default:
		break;
	}
	return mt_put(out, ev);
}
