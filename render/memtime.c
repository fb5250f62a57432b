/*
 * memtime.c - print heap and resident memory over time, for plotting
 *
 * In:    a trace (stdin or files)
 * Out:   a line for each interval of time in which something happened: seconds
 *        since the recording began, the most bytes allocated in it, and the
 *        most resident, private, proportional and swapped out (0 = not sampled
 *        yet), of all processes together or of each
 * Keeps: the live set (replay.h); sums for each process
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "error.h"
#include "pids.h"
#include "provenance.h"
#include "replay.h"
#include "report.h"
#include "resident.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_CSV = 256, KEY_JSON };

static const struct tool_option options[] = {
	{ "every", 'e', "TIME",
	  "length of an interval: 10ms (the default), 1s and so on; the recorder's clock counts milliseconds" },
	{ "by", 'b', "PART", "process: a line for each process in which something happened, with its pid" },
	{ "csv", KEY_CSV, NULL, "separate the numbers by commas, without a # before the names" },
	{ "json", KEY_JSON, NULL, "print one JSON object" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memtime",
	.summary = "print heap and resident memory over time, for plotting",
	.operands = "[TRACE...]",
	.example = "memtime trace.lz4 | gnuplot -p -e 'plot \"-\" using 1:2 with steps title \"heap\"'",
	.options = options,
};

/* Bytes in the heap, and what the system says. */
struct amounts {
	uint64_t heap;
	struct resident_sizes resident;
	struct variance variance;	/* of the heap, in a sampled trace (sampled.h) */
};

/* Of all processes, or of one. */
struct course {
	uint32_t pid;
	bool begun, printed;		/* something happened in the current interval; it has had a line */
	uint64_t last;			/* number of the last interval printed */
	struct amounts now, most, end;	/* most: in the current interval; end: of the last interval printed */
};

struct series {
	struct replay replay;
	struct ending ending;
	struct resident resident;
	bool by_process;
	struct pids pids;		/* places in `courses`, unless all processes have one */
	struct course *courses;
	size_t n, cap;
	uint32_t *begun;		/* places of those that are begun */
	size_t n_begun, cap_begun;
	int format;			/* KEY_CSV, KEY_JSON; 0: tabs */
	uint64_t n_lines, n_attached;
	uint64_t every_ms;
	uint64_t interval;		/* number of the current one */
	bool printed;			/* a line of this trace was printed */
	bool sampled;			/* the first trace was: a column with standard errors */
};

/* ---------------------------------------------------------------- lines */

static void print_line(struct series *s, const struct course *c, uint64_t interval, const struct amounts *a)
{
	uint64_t ms = interval * s->every_ms;
	const uint64_t numbers[] = { c->pid, a->heap, a->resident.rss, a->resident.private, a->resident.proportional,
				     a->resident.swap };
	static const char *const names[] = { "pid", "heap", "rss", "private", "proportional", "swap" };

	if (s->format == KEY_JSON)
		printf("%s{\"time_ms\":%" PRIu64, s->n_lines ? ",\n" : "\n", ms);
	else
		printf("%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
	for (size_t i = !s->by_process; i < sizeof numbers / sizeof *numbers; i++)
		if (s->format == KEY_JSON)
			printf(",\"%s\":%" PRIu64, names[i], numbers[i]);
		else
			printf("%c%" PRIu64, s->format == KEY_CSV ? ',' : '\t', numbers[i]);
	if (s->sampled && s->format == KEY_JSON)
		printf(",\"heap_error\":%" PRIu64, variance_error(a->variance).bytes);
	else if (s->sampled)
		printf("%c%" PRIu64, s->format == KEY_CSV ? ',' : '\t', variance_error(a->variance).bytes);
	putchar(s->format == KEY_JSON ? '}' : '\n');
	s->n_lines++;
	s->printed = true;
}

static void print_begin(const struct series *s, const struct mt_header *h)
{
	if (s->format == KEY_CSV)
		printf("seconds,%sheap,rss,private,proportional,swap%s\n", s->by_process ? "pid," : "",
		       s->sampled ? ",heap_error" : "");
	else if (s->format == 0)
		printf("# seconds\t%sheap\trss\tprivate\tproportional\tswap%s\n", s->by_process ? "pid\t" : "",
		       s->sampled ? "\theap_error" : "");
	if (s->format != KEY_JSON)
		return;
	char *title = provenance_title(h, "heap and resident memory");
	putchar('{');
	report_json_text("title", title);
	putchar(',');
	report_json_text("command", h->command);
	fputs(",\"rows\":[", stdout);
	free(title);
}

/* The heap of a process that was attached to begins with nothing, its resident size with everything. */
static void note_attached(struct series *s, const struct mt_event *process)
{
	if (mt_info_int(process->info, "attached", 0) != 1)
		return;
	s->n_attached++;
	if (s->format == 0)
		printf("# process %u: heap counts from the attach on; resident sizes include earlier memory\n",
		       (unsigned)process->pid);
}

/*
 * Prints the interval's lines. After a pause, first repeats the old values, so that a plot draws no slope: all of these
 * first, as they are of an earlier time.
 */
static void close_interval(struct series *s)
{
	for (size_t i = 0; i < s->n_begun; i++) {
		const struct course *c = &s->courses[s->begun[i]];
		if (c->printed && s->interval > c->last + 1)
			print_line(s, c, s->interval - 1, &c->end);
	}
	for (size_t i = 0; i < s->n_begun; i++) {
		struct course *c = &s->courses[s->begun[i]];
		print_line(s, c, s->interval, &c->most);
		c->last = s->interval;
		c->end = c->now;
		c->printed = true;
		c->begun = false;
	}
	s->n_begun = 0;
}

static struct course *course_of(struct series *s, uint32_t pid)
{
	uint32_t none = s->n ? 0 : PIDS_NONE, *n = s->by_process ? pids_number(&s->pids, pid) : &none;

	if (*n == PIDS_NONE) {
		GROW(s->courses, s->n, s->cap);
		*n = (uint32_t)s->n;
		s->courses[s->n++] = (struct course){ .pid = pid };
	}
	return &s->courses[*n];
}

/*
 * Something happens in the process at that time. After a filter that answers, times can go back: the current interval
 * then counts.
 */
static void reach(struct series *s, struct course *c, uint64_t time_ms)
{
	uint64_t interval = time_ms / s->every_ms;

	if (s->n_begun && interval > s->interval)
		close_interval(s);
	if (!s->n_begun)
		s->interval = interval > s->interval || !s->printed ? interval : s->interval;
	if (!c->begun) {
		GROW(s->begun, s->n_begun, s->cap_begun);
		s->begun[s->n_begun++] = (uint32_t)(c - s->courses);
		c->begun = true;
		c->most = c->now;
	}
}

static void note(struct course *c)
{
	if (c->now.heap > c->most.heap) {
		c->most.heap = c->now.heap;
		c->most.variance = c->now.variance;
	}
	resident_raise(&c->most.resident, &c->now.resident);
}

/* ---------------------------------------------------------------- events */

/* A block ended, or a part of one; with one course for each process it belongs to one of them. */
static void take_away(struct series *s, const struct share *gone)
{
	struct amounts *now = &course_of(s, gone->pid)->now;

	now->heap -= gone->amount.bytes;
	if (s->sampled)
		variance_sub(&now->variance, variance_of(gone->amount));
}

static void open_block(struct series *s, const struct mt_event *ev)
{
	struct share old;

	if (ending_has(&s->ending, ev->pid)) {
		if (replay_close(&s->replay, ev->id, &old))
			take_away(s, &old);
		return;
	}
	if (replay_open(&s->replay, ev, 0, &old))
		take_away(s, &old);
	struct amounts *now = &course_of(s, ev->pid)->now;
	struct amount a = amount_of(ev->size, ev->weight);
	amount_sum(&now->heap, a.bytes);
	if (s->sampled)
		variance_add(&now->variance, variance_of(a));
}

static void take_sizes(struct series *s, const struct mt_event *ev)
{
	resident_take(&s->resident, ev);
	course_of(s, ev->pid)->now.resident = s->by_process ? *resident_of(&s->resident, ev->pid) : s->resident.all;
}

/* Ends all blocks of a process. */
static void end_process(struct series *s, const struct mt_event *exit_)
{
	struct share gone;

	ending_take(&s->ending, exit_);
	for (size_t cursor = 0; replay_exit(&s->replay, exit_->pid, &cursor, &gone); )
		take_away(s, &gone);
	take_sizes(s, exit_);
}

/* Begins another trace, whose time starts again. In gnuplot two empty lines separate the data of two plots. */
static void begin_trace(struct series *s, const struct mt_header *h)
{
	close_interval(s);
	if (s->printed && !s->format)
		fputs("\n\n", stdout);
	s->n = 0;
	pids_clear(&s->pids);
	resident_clear(&s->resident);
	s->interval = 0;
	s->printed = false;
	replay_begin(&s->replay, h);
	ending_begin(&s->ending, h);
}

static void take(struct series *s, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;
	struct course *c;

	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
	case MT_RSS:
	case MT_MEMORY:
	case MT_EXIT:
		c = course_of(s, ev->pid);
		reach(s, c, mt_known_ms(mt_in_header(in), ev));
		break;
	case MT_PROCESS:
		note_attached(s, ev);
		ending_take(&s->ending, ev);
		return;
	case MT_HEADER:
		begin_trace(s, mt_in_header(in));
		return;
	default:
		return;
	}
	if (ev->kind == MT_ALLOC)
		open_block(s, ev);
	else if (ev->kind == MT_RSS || ev->kind == MT_MEMORY)
		take_sizes(s, ev);
	else if (ev->kind == MT_EXIT)
		end_process(s, ev);
	else if (ev->kind == MT_FREE ? replay_close(&s->replay, ev->id, &gone) : replay_resize(&s->replay, ev, &gone))
		take_away(s, &gone);
	note(course_of(s, ev->pid));
}

/* While a live trace pauses, the lines so far are written. */
static void flush(void *arg)
{
	(void)arg;
	fflush(stdout);
}

static void read_options(struct series *s, int argc, char **argv)
{
	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		if (key == 'e')
			s->every_ms = tool_time_ms(optarg, "--every", 1, UINT64_MAX);
		else if (key == 'b' && strcmp(optarg, "process") != 0)
			usage_die("--by: '%s' is not process", optarg);
		else if (key == 'b')
			s->by_process = true;
		else if (s->format && s->format != key)
			usage_die("give only one of --csv and --json");
		else
			s->format = key;
}

int main(int argc, char **argv)
{
	struct series s = { .every_ms = 10 };

	read_options(&s, argc, argv);
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	struct mt_event ev;
	replay_begin(&s.replay, mt_in_header(in));
	ending_begin(&s.ending, mt_in_header(in));
	mt_in_on_idle(in, flush, NULL);
	s.sampled = mt_in_header(in)->sample_bytes > 0;
	print_begin(&s, mt_in_header(in));
	while (mt_next(in, &ev) > 0)
		take(&s, &ev, in);
	close_interval(&s);
	if (s.format == KEY_JSON)
		printf("],\"attached\":%" PRIu64 "}\n", s.n_attached);
	replay_clear(&s.replay);
	resident_clear(&s.resident);
	pids_clear(&s.pids);
	ending_clear(&s.ending);
	free(s.courses);
	free(s.begun);
	return tool_finish(in, NULL);
}
