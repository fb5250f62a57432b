/*
 * memstats.c - print statistics of a trace
 *
 * In:    a trace (stdin or files)
 * Out:   totals, a histogram of sizes, allocators, the places that allocate
 *        most; text or JSON
 * Keeps: the live set (replay.h), the stacks, a count for each size
 * Source: the figures and the histogram's bins follow memray (_stats.py,
 *        reporters/stats.py); frees, leaks, times, processes, losses are ours
 */
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "memstats/stats.h"
#include "replay.h"
#include "resident.h"
#include "tally.h"
#include "threads.h"
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

struct counter {
	struct stats s;
	struct replay replay;
	struct high_water water;	/* of this trace */
	struct variance mark, peaks;	/* of a sampled trace: at its high-water mark; of those of the traces before */
	struct { uint64_t live, peak; } sorts[N_SORTS];	/* likewise; bytes; `live` of all but SORT_HEAP */
	uint64_t changed_ms;		/* when a block last began or ended */
	struct ending ending;
	struct threads *seen;		/* a process is entered as its thread 0 */
	uint32_t last_pid, last_tid;	/* of the last event, and mostly of the next one too */
	uint32_t n_seen;
	struct resident resident;
	struct pids attached;		/* processes that were attached to */
	bool end_kept;			/* a process began to end, and no other has allocated since */
	bool mappings;			/* sums of this trace count all mappings */
	struct judge judge;
	size_t cap;			/* of s.at */
};

/* ---------------------------------------------------------------- processes and threads */

static uint32_t see(struct counter *c, uint32_t pid, uint32_t tid)
{
	uint32_t n = threads_number(c->seen, pid, tid);

	if (n < c->n_seen)
		return n;
	c->n_seen++;
	if (tid)
		c->s.threads++;
	else
		c->s.processes++;
	return n;
}

static __attribute__((noinline)) void see_other_thread(struct counter *c, const struct mt_event *ev)
{
	if (ev->pid)
		see(c, ev->pid, 0);
	if (ev->tid)
		see(c, ev->pid, ev->tid);
	c->last_pid = ev->pid;
	c->last_tid = ev->tid;
}

static inline void see_thread(struct counter *c, const struct mt_event *ev)
{
	if (c->last_pid != ev->pid || c->last_tid != ev->tid)
		see_other_thread(c, ev);
}

static void take_sizes(struct counter *c, const struct mt_event *ev)
{
	see(c, ev->pid, 0);
	resident_take(&c->resident, ev);
	resident_raise(&c->s.peak_resident, &c->resident.all);
}

/* ---------------------------------------------------------------- allocations */

/* Nearly every block is on the heap, so its bytes are not added up: they are the counted total less the mappings. */
static uint64_t live_heap(const struct counter *c)
{
	uint64_t mappings = c->sorts[SORT_ANONYMOUS].live;

	if (c->mappings)
		mappings += c->sorts[SORT_RESERVED].live + c->sorts[SORT_FILE].live;
	return c->water.live.bytes - mappings;
}

/*
 * The heap falls from its high-water mark because a block is gone, or the trace ends there: that moment's values are
 * kept.
 */
static void keep_peak(struct counter *c, struct amount gone)
{
	if (c->replay.sampled) {
		c->mark = c->replay.live_variance;
		variance_add(&c->mark, variance_of(gone));
	}
	c->s.peak_ms = c->changed_ms;
	c->sorts[SORT_HEAP].peak = live_heap(c);
	c->sorts[SORT_ANONYMOUS].peak = c->sorts[SORT_ANONYMOUS].live;
}

static enum sort sort_of(unsigned allocator)
{
	static const uint8_t sorts[MT_N_ALLOCATORS] = {
		[MT_MMAP] = SORT_ANONYMOUS, [MT_MREMAP] = SORT_ANONYMOUS,
		[MT_MMAP_RESERVED] = SORT_RESERVED, [MT_MMAP_FILE] = SORT_FILE,
	};

	return allocator < MT_N_ALLOCATORS ? sorts[allocator] : SORT_HEAP;
}

/* Returns whether sums count it: memory, and mappings that a filter was asked for. */
static bool is_counted(const struct counter *c, enum sort sort)
{
	return sort < SORT_RESERVED || c->mappings;
}

/* A block's key: its sort, and whether the interpreter made it while it shut down (ending.h). */
#define MADE_AT_THE_END (1u << 8)

static enum sort key_sort(uint32_t key)
{
	return (enum sort)(key & ~MADE_AT_THE_END);
}

/* Removes memory that is no longer alive, and adds it to `fate`. */
static void take_away(struct counter *c, const struct share *gone, struct amount *fate)
{
	enum sort sort = key_sort(gone->key);
	bool counted = is_counted(c, sort);

	if (counted)
		amount_add_part(fate, gone->amount);
	if (gone->key & MADE_AT_THE_END)
		return;
	if (counted) {
		if (!c->water.below && gone->amount.bytes > 0)
			keep_peak(c, gone->amount);
		high_water_sub(&c->water, gone->amount);
	}
	if (sort != SORT_HEAP)
		c->sorts[sort].live -= gone->amount.bytes;
}

/* Adds live memory. In an answer nothing ends. */
static void add_sort(struct counter *c, enum sort sort, uint64_t bytes)
{
	uint64_t live = c->sorts[sort].live += bytes;

	if (sort >= SORT_RESERVED && live > c->sorts[sort].peak)
		c->sorts[sort].peak = live;
}

static void count_block(struct counter *c, const struct mt_event *ev, struct amount a)
{
	uint32_t stack = stacks_number(c->s.stacks, ev->stack);

	amount_add(&c->s.all, a);
	c->s.by_allocator[ev->allocator] += ev->weight;
	sizes_add(c->s.sizes, ev->size, ev->weight);
	while (c->s.n <= stack) {
		GROW(c->s.at, (size_t)stack, c->cap);
		c->s.at[c->s.n++] = (struct amount){ 0, 0 };
	}
	amount_add_part(&c->s.at[stack], a);
}

static void open_block(struct counter *c, const struct mt_event *ev)
{
	struct amount a = amount_of(ev->size, ev->weight);
	enum sort sort = sort_of(ev->allocator);
	bool at_the_end = ending_has(&c->ending, ev->pid);
	struct share old;

	if (replay_open(&c->replay, ev, sort | (at_the_end ? MADE_AT_THE_END : 0), &old))
		take_away(c, &old, &c->s.freed);
	bool counted = is_counted(c, sort);
	if (counted)
		count_block(c, ev, a);
	if (at_the_end)
		return;
	if (sort != SORT_HEAP)
		add_sort(c, sort, a.bytes);
	if (counted)
		high_water_add(&c->water, a);
	c->changed_ms = ev->time_ms;
}

static void close_block(struct counter *c, const struct mt_event *ev, const struct share *gone)
{
	take_away(c, gone, &c->s.freed);
	if (!(gone->key & MADE_AT_THE_END))
		c->changed_ms = ev->time_ms;
}

/* Counts the blocks open in the process (0: in all) as leaked, unless that was done when its interpreter shut down. */
static void add_leaked(struct counter *c, uint32_t pid)
{
	struct share open;

	for (size_t cursor = 0; replay_each(&c->replay, &cursor, &open); )
		if (is_counted(c, key_sort(open.key)) && (pid ? open.pid == pid : !ending_has(&c->ending, open.pid)))
			amount_add(&c->s.leaked, open.amount);
}

/* A process begins to end: perhaps it is the last one. */
static void keep_end(struct counter *c)
{
	c->end_kept = true;
	c->s.end_heap = c->water.live.bytes;
	c->s.end_resident = c->resident.all;
}

/* Ends all blocks of a process: they have leaked, unless it executed another program (then the kernel freed them). */
static void close_process(struct counter *c, const struct mt_event *ev)
{
	struct amount elsewhere = { 0, 0 };	/* freed by the kernel, or counted already */
	struct amount *fate = replay_is_exec(ev) || ending_has(&c->ending, ev->pid) ? &elsewhere : &c->s.leaked;
	struct share gone;

	for (size_t cursor = 0; replay_exit(&c->replay, ev->pid, &cursor, &gone); )
		take_away(c, &gone, fate);
	c->changed_ms = ev->time_ms;
	take_sizes(c, ev);
}

/* ---------------------------------------------------------------- the trace */

static void begin_trace(struct counter *c, const struct mt_header *h)
{
	replay_begin(&c->replay, h);
	ending_begin(&c->ending, h);
	c->mappings = mt_header_counts_mappings(h);
	c->s.mappings |= c->mappings;
	c->s.n_traces++;
	c->s.native |= h->native;
	c->s.python_allocators |= h->python_allocators;
	c->s.follow_fork |= h->follow_fork;
}

static void end_trace(struct counter *c)
{
	if (!c->water.below)
		keep_peak(c, (struct amount){ 0, 0 });
	variance_add(&c->peaks, c->mark);
	c->mark = (struct variance){ 0 };
	if (!c->end_kept)
		keep_end(c);
	c->end_kept = false;
	amount_add(&c->s.peak, c->water.max);
	if (c->replay.answer)
		amount_add(&c->s.leaked, c->water.live);
	else
		add_leaked(c, 0);
	for (int i = 0; i < N_SORTS; i++)
		c->s.sorts[i] += c->sorts[i].peak;
	memset(c->sorts, 0, sizeof c->sorts);
	c->changed_ms = 0;
	c->water = (struct high_water){ .below = false };
	resident_clear(&c->resident);
}

static void take_process(struct counter *c, const struct mt_event *ev)
{
	struct mt_str python = mt_info_text(ev->info, "python");

	see(c, ev->pid, 0);
	uint32_t *attached = pids_number(&c->attached, ev->pid);
	if (*attached == PIDS_NONE && mt_info_int(ev->info, "attached", 0) == 1)	/* once in several parts */
		*attached = (uint32_t)c->s.attached++;
	if (!c->s.pid)
		c->s.pid = ev->pid;
	if (!*c->s.python && python.n) {
		free(c->s.python);
		c->s.python = xasprintf("%.*s", (int)python.n, python.p);
	}
}

static bool is_memory(uint32_t key)
{
	return (key & ~MADE_AT_THE_END) < SORT_RESERVED;
}

/* Kinds of which a trace has few: apart from the loop, so that they cost the frequent ones no instruction. */
static __attribute__((noinline, cold)) void take_rare(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	switch (ev->kind) {
	case MT_CENSUS:
	case MT_BLOCKS:
	case MT_PAGES:
		judge_take(&c->judge, ev, c->replay.live, is_memory);
		break;
	case MT_HEADER:
		end_trace(c);
		judge_begin(&c->judge);
		begin_trace(c, mt_in_header(in));
		stacks_take(c->s.stacks, ev);
		break;
	default:
		stacks_take(c->s.stacks, ev);
	}
}

/* In the loop itself: a call for each event would be 2 % of all instructions. */
static inline __attribute__((always_inline)) void take(struct counter *c, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;

	switch (ev->kind) {
	case MT_ALLOC:
		see_thread(c, ev);
		if (c->end_kept && !ending_has(&c->ending, ev->pid))
			c->end_kept = false;
		open_block(c, ev);
		break;
	case MT_FREE:
		see_thread(c, ev);
		if (replay_close(&c->replay, ev->id, &gone))
			close_block(c, ev, &gone);
		break;
	case MT_RESIZE:
		if (replay_resize(&c->replay, ev, &gone))
			close_block(c, ev, &gone);
		break;
	case MT_PROCESS:
		take_process(c, ev);
		if (ending_take(&c->ending, ev)) {
			add_leaked(c, ev->pid);
			keep_end(c);
		}
		break;
	case MT_EXIT:
		c->s.unknown_frees += (uint64_t)mt_info_int(ev->info, "unknown_frees", 0);
		c->s.recorder_bytes += (uint64_t)mt_info_int(ev->info, "recorder_bytes", 0);
		if (!ending_has(&c->ending, ev->pid))
			keep_end(c);
		close_process(c, ev);
		ending_take(&c->ending, ev);
		break;
	case MT_THREAD:
		see_thread(c, ev);
		break;
	case MT_RSS:
	case MT_MEMORY:
		take_sizes(c, ev);
		break;
	case MT_LOST:
		c->s.lost += ev->count;
		break;
	default:
		take_rare(c, ev, in);
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
	c->s.sample_bytes = h->sample_bytes;
	begin_trace(c, h);
	while (mt_next(in, &ev) > 0)
		take(c, &ev, in);
	end_trace(c);
	c->s.peak_error = variance_error(c->peaks);
	c->s.all_error = variance_error(c->replay.all_variance);
	c->s.verdict = judge_verdict(&c->judge, c->s.sample_bytes);
}

int main(int argc, char **argv)
{
	struct counter c = { .seen = threads_new() };
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
	c.s.stacks = stacks_new();
	c.s.sizes = sizes_new();
	read_stats(&c, in);
	if (json)
		print_stats_json(&c.s, top);
	else
		print_stats(&c.s, top);

	replay_clear(&c.replay);
	judge_clear(&c.judge);
	resident_clear(&c.resident);
	stacks_free(c.s.stacks);
	sizes_free(c.s.sizes);
	threads_free(c.seen);
	pids_clear(&c.attached);
	free(c.s.at);
	free(c.s.title);
	free(c.s.command);
	free(c.s.python);
	return tool_finish(in, NULL);
}
