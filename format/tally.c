/*
 * tally.c - one answer from a trace: bytes and allocations per stack
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "error.h"
#include "live.h"
#include "provenance.h"
#include "xmalloc.h"

struct counter {
	enum tally_what asked, what;	/* what: of the present trace */
	struct tally *tally;
	tally_key *key;		/* NULL: the stack's number */
	void *arg;
	struct live *live;	/* block.key: what amounts are kept by; block.thread: pid */
	struct peak *peak;	/* of traces that are asked for TALLY_PEAK */
	struct amount *sums;	/* of the others; per key */
	size_t n_sums, cap_sums;
	struct amount total;
	struct ending ending;
};

static uint64_t bytes_of(uint64_t size, uint64_t weight)
{
	uint64_t bytes;

	return __builtin_mul_overflow(size, weight, &bytes) ? UINT64_MAX : bytes;
}

/* To what was never freed, or ever made. */
static void sum(struct counter *c, uint32_t key, uint64_t bytes, uint64_t count)
{
	if (key >= c->n_sums) {
		GROW(c->sums, (size_t)key, c->cap_sums);
		memset(c->sums + c->n_sums, 0, ((size_t)key + 1 - c->n_sums) * sizeof *c->sums);
		c->n_sums = (size_t)key + 1;
	}
	c->sums[key].bytes += bytes;
	c->sums[key].count += count;
	c->total.bytes += bytes;
	c->total.count += count;
}

static void close_block(struct counter *c, uint32_t id)
{
	struct block b;

	if (live_close(c->live, id, &b) && c->what == TALLY_PEAK)
		peak_sub(c->peak, b.key, bytes_of(b.size, b.weight), b.weight);
}

static void open_block(struct counter *c, const struct mt_event *ev)
{
	struct block b = {
		.size = ev->size,
		.weight = ev->weight,
		.key = c->key ? c->key(c->arg, c->tally, ev) : stacks_number(c->tally->stacks, ev->stack),
		.thread = ev->pid,
	};

	if (c->what == TALLY_TOTAL) {
		sum(c, b.key, bytes_of(b.size, b.weight), b.weight);
		return;
	}
	close_block(c, ev->id);
	if (c->what == TALLY_LEAKS && ending_has(&c->ending, ev->pid))
		return;
	live_open(c->live, ev->id, &b);
	if (c->what == TALLY_PEAK)
		peak_add(c->peak, b.key, bytes_of(b.size, b.weight), b.weight);
}

static void resize_block(struct counter *c, const struct mt_event *ev)
{
	struct block b;

	if (!live_find(c->live, ev->id, &b) || ev->size > b.size)
		return;
	uint64_t gone = bytes_of(b.size, b.weight) - bytes_of(ev->size, b.weight);
	b.size = ev->size;
	live_open(c->live, ev->id, &b);
	if (c->what == TALLY_PEAK)
		peak_sub(c->peak, b.key, gone, 0);
}

bool tally_is_exec(const struct mt_event *exit_)
{
	struct mt_str reason = mt_info_text(exit_->info, "reason");

	return reason.n == 4 && memcmp(reason.p, "exec", 4) == 0;
}

/*
 * A process is gone and its memory with it, but it freed none of this. All of
 * it goes at once: blocks of no bytes last, as alone at the maximum they would
 * seem to have gone before it.
 */
static void close_process(struct counter *c, const struct mt_event *exit_)
{
	bool leaked = c->what == TALLY_LEAKS && !(exit_->kind == MT_EXIT && tally_is_exec(exit_));

	for (int empty = 0; empty <= 1; empty++) {
		size_t cursor = 0;
		uint32_t id;
		struct block b;
		while (live_each(c->live, &cursor, &id, &b)) {
			if (b.thread != exit_->pid || (b.size == 0) != empty)
				continue;
			if (leaked)
				sum(c, b.key, bytes_of(b.size, b.weight), b.weight);
			close_block(c, id);
		}
	}
}

/* A trace that holds an answer already is just added up: its ids were reused without frees. */
static void begin_trace(struct counter *c, const struct mt_header *h)
{
	c->what = provenance_is_answer(h) ? TALLY_TOTAL : c->asked;
}

/* The trace is over: the next one's numbers mean other things. */
static void settle(struct counter *c)
{
	size_t cursor = 0;
	uint32_t id;
	struct block b;

	if (c->what == TALLY_PEAK)
		peak_settle(c->peak);
	if (c->what == TALLY_LEAKS)
		while (live_each(c->live, &cursor, &id, &b))
			sum(c, b.key, bytes_of(b.size, b.weight), b.weight);
	live_clear(c->live);
}

static void take(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	switch (ev->kind) {
	case MT_ALLOC:
		open_block(c, ev);
		break;
	case MT_FREE:
		close_block(c, ev->id);
		break;
	case MT_RESIZE:
		resize_block(c, ev);
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
		ending_take(&c->ending, ev);
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

	if (!c->key)
		return stacks_count(c->tally->stacks);
	return (uint32_t)(n > c->n_sums ? n : c->n_sums);
}

/* Move the answer out of the counter: per key; of stacks, of every one defined. */
static void answer(struct tally *t, struct counter *c)
{
	t->n = count_keys(c);
	if (t->n == 0)
		return;
	t->at = xreallocarray(c->sums, t->n, sizeof *t->at);
	memset(t->at + c->n_sums, 0, (t->n - c->n_sums) * sizeof *t->at);
	for (uint32_t i = 0; i < peak_keys(c->peak); i++) {
		t->at[i].bytes += peak_at(c->peak, i).bytes;
		t->at[i].count += peak_at(c->peak, i).count;
	}
	t->total.bytes = c->total.bytes + peak_total(c->peak).bytes;
	t->total.count = c->total.count + peak_total(c->peak).count;
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

struct tally *tally_read(struct mt_in *in, enum tally_what what)
{
	return tally_read_by(in, what, NULL, NULL);
}

struct tally *tally_read_by(struct mt_in *in, enum tally_what what, tally_key *key, void *arg)
{
	struct tally *t = xcalloc(1, sizeof *t);
	struct counter c = {
		.asked = what,
		.tally = t,
		.key = key,
		.arg = arg,
		.live = live_new(),
		.peak = peak_new(),
	};
	const struct mt_header *h = mt_in_header(in);
	struct mt_event ev;

	t->stacks = stacks_new();
	t->threads = threads_new();
	t->title = tally_title(h, what);
	t->command = xstrdup(h->command);
	t->start_ns = h->start_ns;
	begin_trace(&c, h);
	while (mt_next(in, &ev) > 0) {
		take(&c, &ev, in);
		if (ev.time_ms > t->end_ms)
			t->end_ms = ev.time_ms;
	}
	settle(&c);
	live_free(c.live);
	ending_clear(&c.ending);
	answer(t, &c);
	peak_free(c.peak);
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	stacks_free(t->stacks);
	threads_free(t->threads);
	free(t->at);
	free(t->title);
	free(t->command);
	free(t);
}

void tally_choose(enum tally_what *what, enum tally_what chosen)
{
	if (*what != TALLY_PEAK && *what != chosen)
		usage_die("only one of --leaks and --total");
	*what = chosen;
}
