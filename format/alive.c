/*
 * alive.c - the blocks that were live when a census was taken, by type
 */
#include "alive.h"

#include <stdlib.h>
#include <string.h>

#include "census_rows.h"
#include "error.h"
#include "provenance.h"
#include "replay.h"
#include "sampled.h"
#include "xmalloc.h"

/* A process of one of several joined traces, with one key and type. */
struct triple {
	uint32_t trace, pid;
	struct alive_pair pair;
};

struct counted {
	struct triple triple;
	struct amount amount;
	struct variance variance;
};

struct census {
	struct alive *alive;
	const struct tally_by *by;
	struct live *live;		/* block.key: the caller's; block.thread: the process */
	struct counted *at;
	uint32_t n;
	size_t cap;
	struct index index;
	uint32_t trace;
	uint64_t n_censuses, n_blocks;	/* n_blocks: of all censuses, those that were there */
	bool script_end;		/* all were taken then */
};

static bool holds(const void *at, uint32_t n, const void *key)
{
	return memcmp(&((const struct counted *)at)[n].triple, key, sizeof(struct triple)) == 0;
}

static struct counted *counted_of(struct census *c, struct triple triple)
{
	uint64_t hash = index_hash(index_hash(triple.trace, triple.pid), index_hash(triple.pair.key, triple.pair.type));
	uint32_t n = index_put(&c->index, hash, holds, c->at, &triple, c->n);

	if (n == c->n) {
		GROW(c->at, (size_t)n, c->cap);
		c->at[c->n++] = (struct counted){ .triple = triple };
	}
	return &c->at[n];
}

/* ---------------------------------------------------------------- reading */

/* What an earlier census of the process found no longer counts. */
static void begin_census(struct census *c, const struct mt_event *ev)
{
	struct mt_str moment = mt_info_text(ev->info, "moment");
	bool script_end = moment.n == 10 && memcmp(moment.p, "script end", 10) == 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->at[i].triple.pid == ev->pid && c->at[i].triple.trace == c->trace) {
			c->at[i].amount = (struct amount){ 0, 0 };
			c->at[i].variance = (struct variance){ 0 };
		}
	c->script_end = script_end && (c->script_end || c->n_censuses == 0);
	c->n_censuses++;
	if (mt_info_int(ev->info, "typed", 1) == 0)
		warn("the census of process %u has no types: the layout of its objects is not known", ev->pid);
}

static void count_blocks(struct census *c, const struct mt_event *ev)
{
	struct census_reading reading;
	struct census_entry e;
	uint32_t *types;
	struct block b;

	census_reading_begin(&reading, ev->info);
	types = xcalloc(reading.n_names + 1, sizeof *types);
	while (census_reading_next(&reading, &e)) {
		if (!live_find(c->live, e.id, &b) || b.thread != ev->pid)
			continue;
		if (e.type_number && !types[e.type_number])
			types[e.type_number] = texts_number(&c->alive->types, e.type.p, e.type.n);
		struct counted *counted = counted_of(c, (struct triple){ c->trace, ev->pid,
									  { b.key, types[e.type_number] } });
		struct amount a = amount_of(b.size, b.weight);
		amount_add(&counted->amount, a);
		variance_add(&counted->variance, variance_of(a));
		c->n_blocks++;
	}
	free(types);
	census_reading_clear(&reading);
}

static void take(struct census *c, const struct mt_event *ev)
{
	struct tally *t = c->alive->tally;

	replay_blocks(c->live, ev, ev->kind == MT_ALLOC ? c->by->key(c->by->arg, t, ev) : 0);
	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
		return;
	case MT_CENSUS:
		begin_census(c, ev);
		break;
	case MT_BLOCKS:
		count_blocks(c, ev);
		break;
	case MT_THREAD:
		threads_take(t->threads, ev);
		break;
	case MT_HEADER:
		c->trace++;
		stacks_take(t->stacks, ev);
		break;
	default:
		stacks_take(t->stacks, ev);
	}
	if (c->by->take)
		c->by->take(c->by->arg, ev);
}

/* ---------------------------------------------------------------- the result */

static bool holds_pair(const void *pairs, uint32_t n, const void *key)
{
	return memcmp((const struct alive_pair *)pairs + n, key, sizeof(struct alive_pair)) == 0;
}

/* Adds up the processes. */
static void answer(struct census *c)
{
	struct alive *a = c->alive;
	struct tally *t = a->tally;
	struct index index = { 0 };
	struct variance variance = { 0 };

	t->at = xcalloc((size_t)c->n + 1, sizeof *t->at);
	a->pairs = xcalloc((size_t)c->n + 1, sizeof *a->pairs);
	for (uint32_t i = 0; i < c->n; i++) {
		struct alive_pair pair = c->at[i].triple.pair;
		uint64_t hash = index_hash(pair.key, pair.type);
		uint32_t n = index_put(&index, hash, holds_pair, a->pairs, &pair, t->n);
		if (n == t->n)
			a->pairs[t->n++] = pair;
		amount_add(&t->at[n], c->at[i].amount);
		amount_add(&t->total, c->at[i].amount);
		variance_add(&variance, c->at[i].variance);
	}
	t->error = variance_error(variance);
	index_clear(&index);
}

static void check(const struct census *c, const struct mt_in *in)
{
	if (!c->n_censuses)
		die("%s has no census: record it with 'memrec --census', or call memrec.census() in the program",
		    mt_in_name(in));
	if (!c->n_blocks)
		die("%s: none of the blocks in its census is there: filters that leave out frees, such as memleak, "
		    "must not come first", mt_in_name(in));
}

struct alive *alive_read(struct mt_in *in, const struct tally_by *by)
{
	const struct mt_header *h = mt_in_header(in);
	struct alive *a = xcalloc(1, sizeof *a);
	struct tally *t = a->tally = xcalloc(1, sizeof *t);
	struct census c = { .alive = a, .by = by, .live = live_new() };
	struct mt_event ev;

	mt_in_memory_only(in);
	t->stacks = stacks_new();
	t->threads = threads_new();
	t->command = xstrdup(h->command);
	t->start_ns = h->start_ns;
	t->sample_bytes = h->sample_bytes;
	char *title = provenance_title(h, "%");
	while (mt_next(in, &ev) > 0) {
		take(&c, &ev);
		if (ev.time_ms > t->end_ms)
			t->end_ms = ev.time_ms;
	}
	check(&c, in);
	answer(&c);
	const char *moment = c.script_end ? "alive at the end of the script" : "alive at the last census";
	t->title = title[0] == '%' ? xasprintf("%s%s", moment, title + 1) : xstrdup(title);
	free(title);
	live_free(c.live);
	free(c.at);
	index_clear(&c.index);
	return a;
}

void alive_free(struct alive *a)
{
	if (!a)
		return;
	tally_free(a->tally);
	free(a->pairs);
	texts_clear(&a->types);
	free(a);
}

/* ---------------------------------------------------------------- by stack */

static uint32_t stack_of(void *arg, const struct tally *t, const struct mt_event *ev)
{
	(void)arg;
	return stacks_number(t->stacks, ev->stack);
}

/* Returns the frame of a type. */
static uint32_t add_type(struct stacks *to, const struct alive *a, uint32_t type, enum alive_leaf leaf)
{
	struct mt_str name = texts_text(&a->types, type);
	char *label = !type ? xstrdup(ALIVE_NO_TYPE) :
		      xasprintf(leaf == ALIVE_BELOW ? "[%.*s]" : "%.*s", (int)name.n, name.p);
	struct mt_event ev = { .name = { label, strlen(label) }, .file = text_empty, .module = text_empty };
	uint32_t frame = stacks_add_frame(to, stacks_add_function(to, &ev), 0);

	free(label);
	return frame;
}

struct tally *alive_read_stacks(struct mt_in *in, enum alive_leaf leaf, const struct tally_by *by)
{
	struct tally_by stacks = { .key = stack_of, .take = by ? by->take : NULL, .arg = by ? by->arg : NULL };
	struct alive *a = alive_read(in, &stacks);
	struct tally *t = a->tally;
	uint32_t n_types = texts_count(&a->types), *frames = xcalloc(n_types, sizeof *frames);
	uint32_t *leaves = xcalloc((size_t)t->n + 1, sizeof *leaves);

	for (uint32_t i = 0; i < n_types; i++)
		frames[i] = add_type(t->stacks, a, i, leaf);
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t parent = leaf == ALIVE_ALONE ? 0 : a->pairs[i].key;
		if (leaf == ALIVE_BELOW && !parent)
			parent = stacks_add_stack(t->stacks, 0, 0);	/* "[unknown]" */
		leaves[i] = stacks_add_stack(t->stacks, parent, frames[a->pairs[i].type]);
	}
	struct amount *at = xcalloc(stacks_count(t->stacks), sizeof *at);
	for (uint32_t i = 0; i < t->n; i++)
		amount_add(&at[leaves[i]], t->at[i]);
	free(t->at);
	t->at = at;
	t->n = stacks_count(t->stacks);
	a->tally = NULL;
	alive_free(a);
	free(frames);
	free(leaves);
	return t;
}
