/*
 * memslice.c - keep allocations made in a window of time, or within a named span
 *
 * In:    a trace (stdin or files); with percentages a regular file, which is
 *        read twice, as the length of a trace is known only at its end
 * Out:   the trace with the allocations made from --begin to before --end, and
 *        their frees in that window: blocks open at its end stay open.
 *        With --alive, also those open at its beginning, written there.
 *        With --span, only those made within the spans of that name
 *        (memslice/spans.h).
 * Keeps: a bit per live allocation; with --alive the live set up to --begin;
 *        with --span the live allocations among those kept
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "idset.h"
#include "memslice/spans.h"
#include "open_blocks.h"
#include "provenance.h"
#include "span.h"
#include "threads.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "begin", 'b', "TIME", "start at TIME: seconds, or 250ms, 2min, 1h, 10% (default: the trace's beginning)",
	  .words = "from %" },
	{ "end", 'e', "TIME", "end before TIME (default: the trace's end)", .words = "up to %" },
	{ "alive", 'a', NULL, "include the allocations that are live when the window begins",
	  .words = "or alive before" },
	{ "span", 's', "NAME", "keep only allocations made within the spans of that name",
	  .words = "within span '%'" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memslice",
	.summary = "keep allocations made in a window of time, or within a named span",
	.title = "made %",
	.operands = "[TRACE...]",
	.example = "memslice --begin 50% --end 75% trace.lz4 | memleak | memtable",
	.options = options,
};

/* The length of each of the joined traces; measured only if a percentage needs it. */
struct lengths {
	uint64_t *ms;
	size_t n, cap;
};

struct slice {
	struct span begin, end;
	bool has_end, alive;
	struct lengths lengths;
	size_t trace;			/* number of traces begun so far */
	uint64_t begin_ms, end_ms;	/* of the window, in this trace */
	bool begun;			/* the window has begun in this trace: nothing is kept back any more */
	struct open_blocks *before;	/* blocks made before the window that are still open */
	uint32_t *ending;		/* processes whose interpreters began to shut down before it */
	size_t n_ending, cap_ending;
	struct threads *threads;
	uint64_t *skipped;		/* by number of a thread: made before the window and not open there */
	size_t n_skipped, cap_skipped;
	struct idset *kept;
	const char *span;		/* NULL: spans do not matter */
	struct spans *spans;
};

/* ---------------------------------------------------------------- lengths */

/* Returns a path that can be read twice. Standard input can, if it is a file from which nothing has been read. */
static const char *rereadable(const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	if (is_stdin ? fstat(STDIN_FILENO, &st) < 0 : stat(path, &st) < 0)
		return path;		/* opening it will report the error */
	if (!S_ISREG(st.st_mode) || (is_stdin && lseek(STDIN_FILENO, 0, SEEK_CUR) != 0))
		usage_die("a percentage needs the length of the trace, which only a file gives in advance: "
			  "name a file, or give seconds");
	return is_stdin ? "/dev/stdin" : path;
}

static void measure(struct lengths *l, const char *const *paths, size_t n_paths)
{
	char *why = NULL;
	struct mt_in *in = mt_open(paths, n_paths, &why);
	struct mt_event ev;
	uint64_t last_ms = 0;

	if (!in)
		die("%s", why ? why : "out of memory");
	for (int r; ; ) {
		r = mt_next(in, &ev);
		if (r <= 0 || ev.kind == MT_HEADER) {
			GROW(l->ms, l->n, l->cap);
			l->ms[l->n++] = last_ms;
			last_ms = 0;
		}
		if (r <= 0)
			break;		/* damage is reported when the trace is read again */
		last_ms = ev.time_ms > last_ms ? ev.time_ms : last_ms;
	}
	mt_close_in(in);
}

static void measure_operands(struct lengths *l, int argc, char **argv)
{
	size_t n = (size_t)(argc - optind);
	const char **paths = xcalloc(n + 1, sizeof *paths);

	for (size_t i = 0; i < n; i++)
		paths[i] = rereadable(argv[(size_t)optind + i]);
	if (n == 0 && !isatty(STDIN_FILENO))
		paths[n++] = rereadable("-");
	if (n > 0)
		measure(l, paths, n);
	free(paths);
}

/* ---------------------------------------------------------------- events */

static void begin_trace(struct slice *s, const struct mt_header *h)
{
	uint64_t length = s->trace < s->lengths.n ? s->lengths.ms[s->trace] : 0;

	/* A filter that knows the fate of an allocation only later passes it on after its span. */
	if (s->span && provenance_is_answer(h))
		die("--span: the filter before has moved allocations out of their spans: put memslice --span "
		    "before it");
	s->trace++;
	s->begin_ms = span_ms(&s->begin, length);
	s->end_ms = s->has_end ? span_ms(&s->end, length) : UINT64_MAX;
	if (s->has_end && s->end.is_percent && s->end.value >= 100)
		s->end_ms = UINT64_MAX;		/* the last millisecond too */
	/* in an answer nothing ends: all allocations before the window are alive in it */
	s->begun = !s->alive || provenance_is_answer(h);
	s->n_skipped = s->n_ending = 0;
	idset_clear(s->kept);
	open_blocks_begin(s->before, h);
}

static int keep(struct slice *s, const struct mt_event *ev, struct mt_out *out)
{
	idset_add(s->kept, ev->id);
	return mt_put(out, ev);
}

static uint64_t *skipped_of(struct slice *s, const struct mt_event *ev)
{
	uint32_t thread = threads_number(s->threads, ev->pid, ev->tid);

	while (s->n_skipped <= thread) {
		GROW(s->skipped, s->n_skipped, s->cap_skipped);
		s->skipped[s->n_skipped++] = 0;
	}
	return &s->skipped[thread];
}

/* Writes how many allocations each thread made that are not open: memtemp must not take older ones for recent. */
static int put_skipped(struct slice *s, struct mt_out *out)
{
	for (uint32_t i = 0; i < s->n_skipped; i++) {
		const struct thread *t = threads_thread(s->threads, i);
		struct mt_event ev = {
			.kind = MT_SKIPPED, .count = s->skipped[i], .pid = t->pid, .tid = t->tid,
			.time_ms = s->begin_ms,
		};
		s->skipped[i] = 0;
		if (ev.count && mt_put(out, &ev) < 0)
			return -1;
	}
	return 0;
}

/* An interpreter begins to shut down: blocks made before this row belong to the program (ending.h). */
static int put_endings(struct slice *s, struct mt_out *out)
{
	static const uint8_t finalizing[] = "\x81\xaa" "finalizing\x01";	/* as msgpack: {"finalizing": 1} */
	struct mt_event ev = {
		.kind = MT_PROCESS, .time_ms = s->begin_ms, .info = { (const char *)finalizing, sizeof finalizing - 1 },
	};

	for (size_t i = 0; i < s->n_ending; i++) {
		ev.pid = s->ending[i];
		if (mt_put(out, &ev) < 0)
			return -1;
	}
	s->n_ending = 0;
	return 0;
}

/* Before the window, with --alive: an interpreter begins to shut down. */
static bool keep_ending_back(struct slice *s, const struct mt_event *ev)
{
	if (s->begun || ev->time_ms >= s->begin_ms || !mt_info_int(ev->info, "finalizing", 0))
		return false;
	GROW(s->ending, s->n_ending, s->cap_ending);
	s->ending[s->n_ending++] = ev->pid;
	return true;
}

/* The window begins: writes the open blocks, which are alive now. */
static int begin(struct slice *s, struct mt_out *out)
{
	struct mt_event ev;
	size_t cursor = 0;

	s->begun = true;
	while (open_blocks_each(s->before, &cursor, &ev)) {
		*skipped_of(s, &ev) -= mt_is_memory(ev.allocator);
		if (keep(s, &ev, out) < 0)
			return -1;
	}
	open_blocks_clear(s->before);
	return put_endings(s, out) < 0 ? -1 : put_skipped(s, out);
}

/* Before the window, with --alive: keeps track of the open blocks; those of a process end with it. */
static void keep_back(struct slice *s, const struct mt_event *ev)
{
	for (size_t cursor = 0; open_blocks_take(s->before, ev, &cursor, NULL); )
		;
	if (ev->kind == MT_ALLOC)
		*skipped_of(s, ev) += mt_is_memory(ev->allocator);
}

/* A process ended before the window: its pid may be reused. */
static void end_process(struct slice *s, const struct mt_event *ev)
{
	keep_back(s, ev);
	for (size_t i = s->n_ending; i-- > 0; )
		if (s->ending[i] == ev->pid)
			s->ending[i] = s->ending[--s->n_ending];
}

/* Takes the count of allocations left out by an earlier filter. */
static int take_skipped(struct slice *s, const struct mt_event *ev, struct mt_out *out)
{
	if (ev->time_ms >= s->begin_ms)
		return ev->time_ms < s->end_ms ? mt_put(out, ev) : 0;
	if (!s->begun)
		*skipped_of(s, ev) += ev->count;
	return 0;
}

/* Takes an allocation, a free or a resize. Times may go back (after memtemp): only the event's own time counts. */
static int take_block(struct slice *s, const struct mt_event *ev, struct mt_out *out)
{
	bool before = ev->time_ms < s->begin_ms, inside = !before && ev->time_ms < s->end_ms;

	if (!s->begun && before) {
		keep_back(s, ev);
		return 0;
	}
	if (!s->begun && begin(s, out) < 0)
		return -1;
	if (ev->kind == MT_ALLOC) {
		if (inside || (before && s->alive))
			return keep(s, ev, out);
		idset_remove(s->kept, ev->id);	/* the last allocation with this id may not have been freed */
		return 0;
	}
	if (!inside)
		return 0;
	bool kept = ev->kind == MT_FREE ? idset_remove(s->kept, ev->id) : idset_has(s->kept, ev->id);
	return kept ? mt_put(out, ev) : 0;
}

static int take_within(struct slice *s, const struct mt_event *ev, struct mt_in *in, struct mt_out *out)
{
	if (ev->kind == MT_HEADER)
		begin_trace(s, mt_in_header(in));
	return spans_take(s->spans, ev, ev->time_ms >= s->begin_ms && ev->time_ms < s->end_ms, out);
}

static int take(struct slice *s, const struct mt_event *ev, struct mt_in *in, struct mt_out *out)
{
	if (s->span)
		return take_within(s, ev, in, out);
	switch (ev->kind) {
	case MT_ALLOC:
	case MT_FREE:
	case MT_RESIZE:
		return take_block(s, ev, out);
	case MT_SKIPPED:
		return take_skipped(s, ev, out);
	case MT_RSS:
	case MT_MEMORY:
	case MT_LOST:
	case MT_CENSUS:
	case MT_BLOCKS:
	case MT_PAGES:
		if (ev->time_ms < s->begin_ms || ev->time_ms >= s->end_ms)
			return 0;
		break;
	case MT_EXIT:
		if (!s->begun && ev->time_ms < s->begin_ms)
			end_process(s, ev);
		else if (!s->begun && begin(s, out) < 0)
			return -1;
		break;
	case MT_PROCESS:
		if (keep_ending_back(s, ev))
			return 0;
		if (!s->begun && ev->time_ms >= s->begin_ms && begin(s, out) < 0)
			return -1;
		break;
	case MT_END:
	case MT_HEADER:
		if (!s->begun && begin(s, out) < 0)
			return -1;
		if (ev->kind == MT_HEADER)
			begin_trace(s, mt_in_header(in));
		break;
	default:
		break;
	}
	return mt_put(out, ev);
}

static struct span parse_time(const char *text, const char *option)
{
	struct span span;

	if (!parse_span(text, &span))
		usage_die("%s: '%s' is not a time (examples: 10%%, 2s, 500ms)", option, text);
	return span;
}

/* An empty window is a mistake, not an answer. */
static void refuse_empty(const char *begin, const char *end)
{
	usage_die("--begin %s is not before --end %s", begin, end);
}

/* Returns whether --end is after --begin in at least one trace, or a trace is empty: percentages mean nothing there. */
static bool has_window(const struct slice *s)
{
	bool some = s->lengths.n == 0;

	for (size_t i = 0; i < s->lengths.n; i++)
		some = some || s->lengths.ms[i] == 0 ||
		       span_ms(&s->begin, s->lengths.ms[i]) < span_ms(&s->end, s->lengths.ms[i]);
	return some;
}

/* Returns 1 and warns if the trace has no span of the name, which is probably misspelt. */
static int missing(const struct slice *s)
{
	const char *others;

	if (!s->span || spans_any(s->spans, &others))
		return 0;
	warn("the trace has no span '%s', %s%s", s->span, *others ? "only " : "nor any other", others);
	return 1;
}

int main(int argc, char **argv)
{
	struct slice s = { .has_end = false };
	const char *begin_text = "0", *end_text = "";

	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1; )
		switch (c) {
		case 'b':
			s.begin = parse_time(begin_text = optarg, "--begin");
			break;
		case 'e':
			s.end = parse_time(end_text = optarg, "--end");
			s.has_end = true;
			break;
		case 'a':
			s.alive = true;
			break;
		case 's':
			if (s.span)
				usage_die("--span: give only one name; for several, run memslice once for each");
			s.span = optarg;
			break;
		}
	bool alike = s.begin.is_percent == s.end.is_percent || s.begin.value == 0 || s.end.value == 0;
	if (s.has_end && alike && s.begin.value >= s.end.value)
		refuse_empty(begin_text, end_text);
	if (s.span && s.alive)
		usage_die("--alive is for windows of time and cannot be used with --span");
	if (s.begin.is_percent || s.end.is_percent)
		measure_operands(&s.lengths, argc, argv);
	if (s.has_end && !alike && !has_window(&s))
		refuse_empty(begin_text, end_text);
	struct mt_in *in = tool_input(argc, argv);
	struct mt_out *out = tool_output(&tool, in, argv);
	s.before = open_blocks_new();
	s.threads = threads_new();
	s.kept = idset_new();
	s.spans = s.span ? spans_new(s.span) : NULL;
	begin_trace(&s, mt_in_header(in));
	struct mt_event ev;
	int r = 0;
	while (r == 0 && mt_next(in, &ev) > 0)
		r = take(&s, &ev, in, out);
	if (r == 0 && !s.begun)
		(void)begin(&s, out);	/* cut off before the window */
	int status = mt_out_error(out) ? 0 : missing(&s);
	spans_free(s.spans);
	open_blocks_free(s.before);
	idset_free(s.kept);
	threads_free(s.threads);
	free(s.skipped);
	free(s.ending);
	free(s.lengths.ms);
	return tool_finish(in, out) | status;
}
