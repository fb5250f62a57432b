/*
 * memstats.c - print statistics of a trace
 *
 * In:    a trace (stdin or files)
 * Out:   totals, a histogram of sizes, allocators, the places that allocate
 *        most; text or JSON
 * Keeps: the live set, the stacks, how often each size occurred
 * Source: what is told, and in which bins, is memray's (_stats.py,
 *        reporters/stats.py); frees, leaks, times, processes, losses are ours
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "error.h"
#include "live.h"
#include "memstats/stats.h"
#include "provenance.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_JSON = 256 };

static const struct tool_option options[] = {
	{ "num-largest", 'n', "N", "show the N largest places of each kind (default: 5)" },
	{ "json", KEY_JSON, NULL, "print one JSON object instead of text" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memstats",
	.summary = "print statistics of a trace",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memgrep --min-size=1MB | memstats",
	.options = options,
};

/* A process, or a thread of one (tid not 0): a node of the tree `seen`. */
struct party {
	uint32_t pid, tid;
	uint64_t rss;
};

struct counter {
	struct stats s;
	struct live *live;
	struct amount alive, peak;	/* of this trace */
	struct ending ending;
	bool answer;			/* it holds no frees: provenance_is_answer() */
	void *seen;			/* tsearch(3) */
	struct party *last;		/* the thread of the last event: mostly the next one's too */
	uint64_t rss;			/* of all processes */
	size_t cap;			/* of s.at */
};

/* ---------------------------------------------------------------- processes and threads */

static int by_party(const void *a, const void *b)
{
	const struct party *p = a, *q = b;

	if (p->pid != q->pid)
		return p->pid < q->pid ? -1 : 1;
	return (p->tid > q->tid) - (p->tid < q->tid);
}

static struct party *see(struct counter *c, uint32_t pid, uint32_t tid)
{
	struct party key = { .pid = pid, .tid = tid };
	struct party **found = tfind(&key, &c->seen, by_party);

	if (found)
		return *found;
	struct party *p = xmalloc(sizeof *p);
	*p = key;
	if (!tsearch(p, &c->seen, by_party))
		die("out of memory");
	if (tid)
		c->s.threads++;
	else
		c->s.processes++;
	return p;
}

static void see_thread(struct counter *c, const struct mt_event *ev)
{
	if (c->last && c->last->pid == ev->pid && c->last->tid == ev->tid)
		return;
	if (ev->pid)
		see(c, ev->pid, 0);
	if (ev->tid)
		c->last = see(c, ev->pid, ev->tid);
}

static void take_rss(struct counter *c, uint32_t pid, uint64_t size)
{
	struct party *p = see(c, pid, 0);

	c->rss += size - p->rss;
	p->rss = size;
	if (c->rss > c->s.peak_rss)
		c->s.peak_rss = c->rss;
}

/* ---------------------------------------------------------------- allocations */

static struct amount amount_of(uint64_t size, uint64_t weight)
{
	struct amount a = { .count = weight };

	if (__builtin_mul_overflow(size, weight, &a.bytes))
		a.bytes = UINT64_MAX;
	return a;
}

static void add(struct amount *to, struct amount a)
{
	to->bytes += a.bytes;
	to->count += a.count;
}

static void sub(struct amount *from, struct amount a)
{
	from->bytes -= a.bytes;
	from->count -= a.count;
}

static void note_peak(struct counter *c, uint64_t time_ms)
{
	if (c->alive.bytes < c->peak.bytes)
		return;
	c->peak = c->alive;
	c->s.peak_ms = time_ms;
}

/* Forget an open block; it was freed, or its process left it behind. False: it is not open. */
static bool forget_block(struct counter *c, uint32_t id, struct amount *fate)
{
	struct block b;

	if (!live_close(c->live, id, &b))
		return false;
	sub(&c->alive, amount_of(b.size, b.weight));
	add(fate, amount_of(b.size, b.weight));
	return true;
}

static void close_block(struct counter *c, uint32_t id, uint64_t time_ms)
{
	if (forget_block(c, id, &c->s.freed))
		note_peak(c, time_ms);
}

static void open_block(struct counter *c, const struct mt_event *ev)
{
	struct block b = { .size = ev->size, .weight = ev->weight, .thread = ev->pid };
	uint32_t stack = stacks_number(c->s.stacks, ev->stack);
	struct amount a = amount_of(ev->size, ev->weight);

	add(&c->s.all, a);
	c->s.by_allocator[ev->allocator] += ev->weight;
	sizes_add(c->s.sizes, ev->size, ev->weight);
	while (c->s.n <= stack) {
		GROW(c->s.at, (size_t)stack, c->cap);
		c->s.at[c->s.n++] = (struct amount){ 0, 0 };
	}
	add(&c->s.at[stack], a);
	if (!c->answer) {
		close_block(c, ev->id, ev->time_ms);
		live_open(c->live, ev->id, &b);
	}
	add(&c->alive, a);
	note_peak(c, ev->time_ms);
}

static void resize_block(struct counter *c, const struct mt_event *ev)
{
	struct block b;

	if (!live_find(c->live, ev->id, &b) || ev->size > b.size)
		return;
	struct amount gone = amount_of(b.size, b.weight);
	sub(&gone, amount_of(ev->size, b.weight));
	b.size = ev->size;
	live_open(c->live, ev->id, &b);
	sub(&c->alive, gone);
	add(&c->s.freed, gone);
	note_peak(c, ev->time_ms);
}

/* What is open in the process (0: in all) is leaked, unless that was told when its interpreter began to end. */
static void tell_leaked(struct counter *c, uint32_t pid)
{
	size_t cursor = 0;
	uint32_t id;
	struct block b;

	while (live_each(c->live, &cursor, &id, &b))
		if (pid ? b.thread == pid : !ending_has(&c->ending, b.thread))
			add(&c->s.leaked, amount_of(b.size, b.weight));
}

/* All it holds goes at once: leaked, unless another program takes its place (the kernel freed it then). */
static void close_process(struct counter *c, const struct mt_event *ev)
{
	struct amount elsewhere = { 0, 0 };	/* freed by the kernel, or told already */
	struct amount *fate = tally_is_exec(ev) || ending_has(&c->ending, ev->pid) ? &elsewhere : &c->s.leaked;
	size_t cursor = 0;
	uint32_t id;
	struct block b;

	while (live_each(c->live, &cursor, &id, &b))
		if (b.thread == ev->pid)
			forget_block(c, id, fate);
	note_peak(c, ev->time_ms);
	take_rss(c, ev->pid, 0);
}

/* ---------------------------------------------------------------- the trace */

static void begin_trace(struct counter *c, const struct mt_header *h)
{
	c->answer = provenance_is_answer(h);
	c->s.n_traces++;
	c->s.native |= h->native;
	c->s.python_allocators |= h->python_allocators;
	c->s.follow_fork |= h->follow_fork;
}

static void end_trace(struct counter *c)
{
	add(&c->s.peak, c->peak);
	if (c->answer)
		add(&c->s.leaked, c->alive);
	else
		tell_leaked(c, 0);
	c->alive = c->peak = (struct amount){ 0, 0 };
	c->rss = 0;
	live_clear(c->live);
}

static void take_process(struct counter *c, const struct mt_event *ev)
{
	struct mt_str python = mt_info_text(ev->info, "python");

	see(c, ev->pid, 0);
	if (!c->s.pid)
		c->s.pid = ev->pid;
	if (!*c->s.python && python.n) {
		free(c->s.python);
		c->s.python = xasprintf("%.*s", (int)python.n, python.p);
	}
}

static void take(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	switch (ev->kind) {
	case MT_ALLOC:
		see_thread(c, ev);
		open_block(c, ev);
		break;
	case MT_FREE:
		see_thread(c, ev);
		close_block(c, ev->id, ev->time_ms);
		break;
	case MT_RESIZE:
		resize_block(c, ev);
		break;
	case MT_PROCESS:
		take_process(c, ev);
		if (ending_take(&c->ending, ev))
			tell_leaked(c, ev->pid);
		break;
	case MT_EXIT:
		c->s.unknown_frees += (uint64_t)mt_info_int(ev->info, "unknown_frees", 0);
		close_process(c, ev);
		ending_take(&c->ending, ev);
		break;
	case MT_THREAD:
		see_thread(c, ev);
		break;
	case MT_RSS:
		take_rss(c, ev->pid, ev->size);
		break;
	case MT_LOST:
		c->s.lost += ev->count;
		break;
	case MT_HEADER:
		end_trace(c);
		ending_take(&c->ending, ev);
		begin_trace(c, mt_in_header(in));
		stacks_take(c->s.stacks, ev);
		break;
	default:
		stacks_take(c->s.stacks, ev);
	}
	if (ev->time_ms > c->s.end_ms)
		c->s.end_ms = ev->time_ms;
}

static void read_stats(struct counter *c, struct mt_in *in)
{
	const struct mt_header *h = mt_in_header(in);
	struct mt_event ev;

	c->s.title = tally_title(h, TALLY_TOTAL);
	c->s.command = xstrdup(h->command);
	c->s.python = xstrdup("");
	c->s.start_ns = h->start_ns;
	begin_trace(c, h);
	while (mt_next(in, &ev) > 0)
		take(c, &ev, in);
	end_trace(c);
}

int main(int argc, char **argv)
{
	struct counter c = { 0 };
	uint64_t top = 5;
	bool json = false;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'n':
			top = tool_number(optarg, "--num-largest", 1, UINT32_MAX);
			break;
		case KEY_JSON:
			json = true;
			break;
		}
	struct mt_in *in = tool_input(argc, argv);
	c.live = live_new();
	c.s.stacks = stacks_new();
	c.s.sizes = sizes_new();
	read_stats(&c, in);
	if (json)
		print_stats_json(&c.s, top);
	else
		print_stats(&c.s, top);

	live_free(c.live);
	stacks_free(c.s.stacks);
	sizes_free(c.s.sizes);
	tdestroy(c.seen, free);
	free(c.s.at);
	free(c.s.title);
	free(c.s.command);
	free(c.s.python);
	return tool_finish(in, NULL);
}
