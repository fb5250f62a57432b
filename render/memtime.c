/*
 * memtime.c - print heap and resident memory over time, for plotting
 *
 * In:    a trace (stdin or files)
 * Out:   a line for each interval of time in which something happened: seconds
 *        since the recording began, the most bytes allocated in it, the most
 *        bytes resident in it (0 = not sampled yet), of all processes together
 * Keeps: the live set (replay.h); a sum for each process
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ending.h"
#include "error.h"
#include "pids.h"
#include "provenance.h"
#include "replay.h"
#include "report.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_CSV = 256, KEY_JSON };

static const struct tool_option options[] = {
	{ "every", 'e', "TIME",
	  "length of an interval: 10ms (the default), 1s and so on; the recorder's clock counts milliseconds" },
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

struct series {
	struct replay replay;
	struct ending ending;
	struct pids pids;		/* places in rss_of */
	uint64_t *rss_of;		/* per process; 0: it has ended */
	size_t n, cap;
	int format;			/* KEY_CSV, KEY_JSON; 0: tabs */
	uint64_t n_lines;
	uint64_t every_ms;
	uint64_t interval;		/* number of the current one */
	uint64_t last;			/* number of the last one printed */
	bool begun, printed;		/* something happened in the current one; a line of this trace was printed */
	uint64_t heap, rss;		/* now */
	uint64_t most_heap, most_rss;	/* in the current interval */
	uint64_t end_heap, end_rss;	/* at the end of the last interval printed */
};

/* ---------------------------------------------------------------- lines */

static void print_line(struct series *s, uint64_t interval, uint64_t heap, uint64_t rss)
{
	char between = s->format == KEY_CSV ? ',' : '\t';
	uint64_t ms = interval * s->every_ms;

	if (s->format == KEY_JSON)
		printf("%s{\"time_ms\":%" PRIu64 ",\"heap\":%" PRIu64 ",\"rss\":%" PRIu64 "}",
		       s->n_lines ? ",\n" : "\n", ms, heap, rss);
	else
		printf("%" PRIu64 ".%03u%c%" PRIu64 "%c%" PRIu64 "\n", ms / 1000, (unsigned)(ms % 1000), between, heap,
		       between, rss);
	s->n_lines++;
}

static void print_begin(const struct series *s, const struct mt_header *h)
{
	if (s->format != KEY_JSON) {
		puts(s->format == KEY_CSV ? "seconds,heap,rss" : "# seconds\theap\trss");
		return;
	}
	char *title = provenance_title(h, "heap and resident memory");
	putchar('{');
	report_json_text("title", title);
	putchar(',');
	report_json_text("command", h->command);
	fputs(",\"rows\":[", stdout);
	free(title);
}

/* Prints the interval's line. After a pause, first repeats the old values, so that a plot draws no slope. */
static void close_interval(struct series *s)
{
	if (!s->begun)
		return;
	if (s->printed && s->interval > s->last + 1)
		print_line(s, s->interval - 1, s->end_heap, s->end_rss);
	print_line(s, s->interval, s->most_heap, s->most_rss);
	s->last = s->interval;
	s->end_heap = s->heap;
	s->end_rss = s->rss;
	s->printed = true;
	s->begun = false;
}

/* Something happens at that time. After a filter that answers, times can go back: the current interval then counts. */
static void reach(struct series *s, uint64_t time_ms)
{
	uint64_t interval = time_ms / s->every_ms;

	if (s->begun && interval > s->interval)
		close_interval(s);
	if (!s->begun) {
		s->begun = true;
		s->interval = interval > s->interval || !s->printed ? interval : s->interval;
		s->most_heap = s->heap;
		s->most_rss = s->rss;
	}
}

static void note(struct series *s)
{
	s->most_heap = s->heap > s->most_heap ? s->heap : s->most_heap;
	s->most_rss = s->rss > s->most_rss ? s->rss : s->most_rss;
}

/* ---------------------------------------------------------------- events */

static void open_block(struct series *s, const struct mt_event *ev)
{
	struct share old;

	if (ending_has(&s->ending, ev->pid)) {
		if (replay_close(&s->replay, ev->id, &old))
			s->heap -= old.amount.bytes;
		return;
	}
	if (replay_open(&s->replay, ev, 0, &old))
		s->heap -= old.amount.bytes;
	amount_sum(&s->heap, amount_of(ev->size, ev->weight).bytes);
}

static void take_rss(struct series *s, uint32_t pid, uint64_t rss)
{
	uint32_t *n = pids_number(&s->pids, pid);

	if (*n == PIDS_NONE) {
		GROW(s->rss_of, s->n, s->cap);
		*n = (uint32_t)s->n;
		s->rss_of[s->n++] = 0;
	}
	s->rss += rss - s->rss_of[*n];
	s->rss_of[*n] = rss;
}

/* Ends all blocks of a process. */
static void end_process(struct series *s, const struct mt_event *exit_)
{
	struct share gone;

	ending_take(&s->ending, exit_);
	for (size_t cursor = 0; replay_exit(&s->replay, exit_->pid, &cursor, &gone); )
		s->heap -= gone.amount.bytes;
	take_rss(s, exit_->pid, 0);
}

/* Begins another trace, whose time starts again. In gnuplot two empty lines separate the data of two plots. */
static void begin_trace(struct series *s, const struct mt_header *h)
{
	close_interval(s);
	if (s->printed && !s->format)
		fputs("\n\n", stdout);
	s->n = 0;
	pids_clear(&s->pids);
	s->heap = s->rss = s->interval = 0;
	s->printed = false;
	replay_begin(&s->replay, h);
	ending_begin(&s->ending, h);
}

static void take(struct series *s, const struct mt_event *ev, struct mt_in *in)
{
	struct share gone;

	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
	case MT_RSS:
	case MT_EXIT:
		reach(s, mt_known_ms(mt_in_header(in), ev));
		break;
	case MT_PROCESS:
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
	else if (ev->kind == MT_RSS)
		take_rss(s, ev->pid, ev->size);
	else if (ev->kind == MT_EXIT)
		end_process(s, ev);
	else if (ev->kind == MT_FREE ? replay_close(&s->replay, ev->id, &gone) : replay_resize(&s->replay, ev, &gone))
		s->heap -= gone.amount.bytes;
	note(s);
}

/* While a live trace pauses, the lines so far are written. */
static void flush(void *arg)
{
	(void)arg;
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct series s = { .every_ms = 10 };

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		if (key == 'e')
			s.every_ms = tool_time_ms(optarg, "--every", 1, UINT64_MAX);
		else if (s.format && s.format != key)
			usage_die("give only one of --csv and --json");
		else
			s.format = key;
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	struct mt_event ev;
	replay_begin(&s.replay, mt_in_header(in));
	ending_begin(&s.ending, mt_in_header(in));
	mt_in_on_idle(in, flush, NULL);
	print_begin(&s, mt_in_header(in));
	while (mt_next(in, &ev) > 0)
		take(&s, &ev, in);
	close_interval(&s);
	if (s.format == KEY_JSON)
		puts("]}");
	replay_clear(&s.replay);
	free(s.rss_of);
	pids_clear(&s.pids);
	ending_clear(&s.ending);
	return tool_finish(in, NULL);
}
