/*
 * tally.c - the totals of a trace: bytes and allocations per stack
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "error.h"
#include "provenance.h"
#include "replay.h"
#include "units.h"
#include "xmalloc.h"

struct counter {
	enum tally_what asked, what;	/* what: in the current trace */
	struct tally *tally;
	struct tally_by by;	/* key NULL: the stack's number */
	struct replay replay;	/* by key, as peak and sums are */
	struct peak *peak;	/* of traces tallied for TALLY_PEAK */
	struct amount *sums;	/* of the other traces */
	size_t n_sums, cap_sums;
	size_t n_all, cap_all;	/* of tally->all */
	struct amount total;
	struct variance variance;	/* of the totals of the traces that are settled, … */
	struct variance mark;		/* … at the high-water mark of this one */
	struct ending ending;
	bool others;		/* there is a by.take, or a watch, or this trace was sampled */
	const struct tally_watch *watch;
	uint64_t seen_ms, now_ms;	/* with it: the last moment shown, the time now */
};

/* Adds to the sums: the blocks never freed, or all allocations. */
static void sum(struct counter *c, uint32_t key, struct amount a)
{
	if (key >= c->n_sums) {
		GROW(c->sums, (size_t)key, c->cap_sums);
		memset(c->sums + c->n_sums, 0, ((size_t)key + 1 - c->n_sums) * sizeof *c->sums);
		c->n_sums = (size_t)key + 1;
	}
	amount_add(&c->sums[key], a);
	amount_add(&c->total, a);
	if (c->replay.sampled)
		variance_add(&c->variance, variance_of(a));
}

/* Makes `all`, if it is requested, n long. */
static void grow_all(struct counter *c, size_t n)
{
	for (; c->by.all && c->n_all < n; c->n_all++) {
		GROW(c->tally->all, c->n_all, c->cap_all);
		c->tally->all[c->n_all] = (struct amount){ 0, 0 };
	}
}

static void sum_all(struct counter *c, uint32_t key, struct amount a)
{
	grow_all(c, (size_t)key + 1);
	amount_add(&c->tally->all[key], a);
}

static void take_away(struct counter *c, const struct share *gone)
{
	if (c->what == TALLY_PEAK)
		peak_sub(c->peak, gone->key, gone->amount);
}

static void open_block(struct counter *c, const struct mt_event *ev)
{
	uint32_t key = c->by.key ? c->by.key(c->by.arg, c->tally, ev) : stacks_number(c->tally->stacks, ev->stack);
	struct amount a = amount_of(ev->size, ev->weight);
	struct share old;

	if (c->by.all)
		sum_all(c, key, a);

	if (c->what == TALLY_TOTAL) {
		sum(c, key, a);
		return;
	}
	if (ending_has(&c->ending, ev->pid)) {
		if (replay_close(&c->replay, ev->id, &old))
			take_away(c, &old);
		return;
	}
	if (replay_open(&c->replay, ev, key, &old))
		take_away(c, &old);
	if (c->what == TALLY_PEAK)
		peak_add(c->peak, key, a);
}

/* The blocks of a process end with it; those it never freed have leaked. */
static void close_process(struct counter *c, const struct mt_event *end)
{
	bool leaked = c->what == TALLY_LEAKS && !replay_is_exec(end);
	struct share gone;

	for (size_t cursor = 0; replay_exit(&c->replay, end->pid, &cursor, &gone); ) {
		if (leaked)
			sum(c, gone.key, gone.amount);
		take_away(c, &gone);
	}
}

/* A trace that already is an answer is just added up. */
static void begin_trace(struct counter *c, const struct mt_header *h)
{
	replay_begin(&c->replay, h);
	ending_begin(&c->ending, h);
	c->what = c->replay.answer ? TALLY_TOTAL : c->asked;
	c->mark = (struct variance){ 0 };
	c->others = c->by.take || c->watch || c->replay.sampled;
}

/* If the high-water mark is now, so are its variances. */
static void see_mark(struct counter *c)
{
	if (c->what == TALLY_PEAK && peak_is_now(c->peak))
		c->mark = c->replay.live_variance;
}

/* At the end of a trace: adds its results to the sums, as the ids of the next trace are unrelated. */
static void settle(struct counter *c)
{
	struct share leaked;

	see_mark(c);
	variance_add(&c->variance, c->mark);
	if (c->what == TALLY_PEAK)
		peak_settle(c->peak);
	if (c->what == TALLY_LEAKS)
		for (size_t cursor = 0; replay_each(&c->replay, &cursor, &leaked); )
			sum(c, leaked.key, leaked.amount);
}

static void take(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;

	switch (ev->kind) {
	case MT_ALLOC:
		open_block(c, ev);
		break;
	case MT_FREE:
		if (replay_close(&c->replay, ev->id, &gone))
			take_away(c, &gone);
		break;
	case MT_RESIZE:
		if (replay_resize(&c->replay, ev, &gone))
			take_away(c, &gone);
		break;
	case MT_PROCESS:
		if (ending_take(&c->ending, ev) && c->what == TALLY_LEAKS)
			close_process(c, ev);
		break;
	case MT_EXIT:
		ending_take(&c->ending, ev);
		close_process(c, ev);
		break;
	case MT_HEADER:
		settle(c);
		stacks_take(c->tally->stacks, ev);
		begin_trace(c, mt_in_header(in));
		break;
	case MT_THREAD:
		threads_take(c->tally->threads, ev);
		break;
	default:
		stacks_take(c->tally->stacks, ev);
	}
}

static uint32_t count_keys(const struct counter *c)
{
	size_t n = peak_keys(c->peak);

	if (!c->by.key)
		return stacks_count(c->tally->stacks);
	n = n > c->n_sums ? n : c->n_sums;
	return (uint32_t)(n > c->n_all ? n : c->n_all);
}

/* Moves the result out of the counter: one amount per key, or for every stack defined. */
static void answer(struct tally *t, struct counter *c)
{
	t->n = count_keys(c);
	if (t->n == 0)
		return;
	t->at = xreallocarray(c->sums, t->n, sizeof *t->at);
	memset(t->at + c->n_sums, 0, (t->n - c->n_sums) * sizeof *t->at);
	for (uint32_t i = 0; i < peak_keys(c->peak); i++)
		amount_add(&t->at[i], peak_at(c->peak, i));
	grow_all(c, t->n);
	t->total = c->total;
	amount_add(&t->total, peak_total(c->peak));
	t->error = variance_error(c->variance);
}

char *tally_title(const struct mt_header *h, enum tally_what what)
{
	static const char *const asked[] = {
		[TALLY_PEAK] = "alive at the high-water mark",
		[TALLY_LEAKS] = "never freed",
		[TALLY_TOTAL] = PROVENANCE_ALL,
	};

	return provenance_title(h, asked[what]);
}

static struct tally *begin(struct counter *c, struct mt_in *in)
{
	const struct mt_header *h = mt_in_header(in);
	struct tally *t = xcalloc(1, sizeof *t);

	mt_in_memory_only(in);
	t->stacks = stacks_new();
	t->threads = threads_new();
	t->title = tally_title(h, c->asked);
	t->command = xstrdup(h->command);
	t->start_ns = h->start_ns;
	t->sample_bytes = h->sample_bytes;
	c->tally = t;
	c->peak = peak_new();
	begin_trace(c, h);
	return t;
}

/* ---------------------------------------------------------------- watching */

/* "live after 5.0s; only …" */
static char *moment_title(const struct counter *c, const struct mt_header *h, uint64_t ms)
{
	char after[DURATION_TEXT], *asked, *title;

	duration_text(ms, after);
	asked = xasprintf(c->what == TALLY_TOTAL ? "allocated in the first %s" : "live after %s", after);
	title = provenance_title(h, asked);
	if (c->replay.answer) {		/* its title has no time */
		free(asked);
		asked = title;
		title = xasprintf("%s; up to %s", asked, after);
	}
	free(asked);
	return title;
}

/* Reports the current amounts. */
static void show(struct counter *c, const struct tally_watch *watch, const struct mt_header *h, uint64_t ms)
{
	struct tally *t = c->tally;
	size_t n = c->what == TALLY_PEAK ? peak_live_keys(c->peak) : c->n_sums;

	t->n = !c->by.key ? stacks_count(t->stacks) : (uint32_t)(n > c->n_all ? n : c->n_all);
	grow_all(c, t->n);
	t->at = xreallocarray(t->at, (size_t)t->n + 1, sizeof *t->at);
	for (uint32_t i = 0; i < t->n; i++)
		t->at[i] = i >= n ? (struct amount){ 0, 0 } :
			   c->what == TALLY_PEAK ? peak_live_at(c->peak, i) : c->sums[i];
	t->total = c->what == TALLY_PEAK ? peak_live(c->peak) : c->total;
	t->error = variance_error(c->what == TALLY_PEAK ? c->replay.live_variance : c->variance);
	free(t->title);
	t->title = moment_title(c, h, ms);
	t->end_ms = ms;
	watch->see(watch->arg, t);
}

/* Before an event is counted: if an interval ended before it, shows the amounts at its end. */
static void look(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	const struct mt_header *h = mt_in_header(in);
	uint64_t ms = mt_kind_has_pid(ev->kind) ? mt_known_ms(h, ev) : c->now_ms, every = c->watch->every_ms;

	if (ms / every > c->seen_ms / every) {
		c->seen_ms = ms / every * every;
		show(c, c->watch, h, c->seen_ms);
	}
	if (ev->kind == MT_HEADER)
		c->seen_ms = ms = 0;
	c->now_ms = ev->kind == MT_HEADER || ms > c->now_ms ? ms : c->now_ms;
}

/* ---------------------------------------------------------------- reading */

/* Before an event is counted: calls those that get more than the result. */
static __attribute__((noinline)) void show_others(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	if (c->watch)
		look(c, ev, in);
	see_mark(c);
	if (c->by.take && ev->kind != MT_ALLOC && ev->kind != MT_FREE && ev->kind != MT_RESIZE)
		c->by.take(c->by.arg, ev);
}

/* The only loop: the compiler then puts together what each event needs. */
static void count_all(struct counter *c, struct mt_in *in)
{
	struct mt_event ev;

	while (mt_next(in, &ev) > 0) {
		if (c->others)
			show_others(c, &ev, in);
		take(c, &ev, in);
		if (ev.time_ms > c->tally->end_ms)
			c->tally->end_ms = ev.time_ms;
	}
}

static void end(struct counter *c)
{
	replay_clear(&c->replay);
	ending_clear(&c->ending);
	peak_free(c->peak);
}

struct tally *tally_read(struct mt_in *in, enum tally_what what)
{
	return tally_read_by(in, what, NULL, NULL);
}

struct tally *tally_read_by(struct mt_in *in, enum tally_what what, tally_key *key, void *arg)
{
	return tally_read_more(in, what, &(struct tally_by){ .key = key, .arg = arg });
}

struct tally *tally_read_more(struct mt_in *in, enum tally_what what, const struct tally_by *by)
{
	struct counter c = { .asked = what, .by = *by };
	struct tally *t = begin(&c, in);

	count_all(&c, in);
	settle(&c);
	answer(t, &c);
	end(&c);
	return t;
}

void tally_watch(struct mt_in *in, enum tally_what what, const struct tally_by *by, const struct tally_watch *watch)
{
	/* The blocks not freed so far are the live ones. */
	struct counter c = { .asked = what == TALLY_LEAKS ? TALLY_PEAK : what,
			     .by = *by,
			     .watch = watch };
	struct tally *t = begin(&c, in);

	count_all(&c, in);
	if (by->all || (c.what == TALLY_PEAK ? peak_live(c.peak).count : c.total.count))
		show(&c, watch, mt_in_header(in), c.now_ms);
	free(c.sums);
	end(&c);
	tally_free(t);
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	stacks_free(t->stacks);
	threads_free(t->threads);
	free(t->at);
	free(t->all);
	free(t->title);
	free(t->command);
	free(t);
}

void tally_choose(enum tally_what *what, enum tally_what chosen)
{
	if (*what != TALLY_PEAK && *what != chosen)
		usage_die("give only one of --leaks and --total");
	*what = chosen;
}

void tally_choose_census(enum tally_what what)
{
	if (what != TALLY_PEAK)
		usage_die("a census says what was alive at its moment: give no --leaks or --total with it");
}
