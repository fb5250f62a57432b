/*
 * memtop.c - watch where memory is while a program runs
 *
 * In:    a trace (stdin or files), finished or still being recorded
 * Out:   a view on the terminal, which keys change; without a terminal, the last picture as text
 * Keeps: the live set, the stacks, an amount for each stack and thread
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "memtop/screen.h"
#include "memtop/state.h"
#include "provenance.h"
#include "tool.h"
#include "xmalloc.h"

#define TURN_EVENTS 4096	/* events between two readings of the clock */
#define TURN_MS 50

static const struct tool_option options[] = {
	{ "by", 'b', "WHAT", "begin with rows by line (the default), function, package, process or thread" },
	{ "sort", 's', "COLUMN", "begin sorted by own (the default), total, count or growth" },
	{ "speed", 'S', "N", "show a finished trace N times as fast as it was recorded (default: at once)" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memtop",
	.summary = "watch where memory is while a program runs",
	.operands = "[TRACE...]",
	.example = "memrec -p PID | memtop",
	.options = options,
};

struct viewer {
	struct state state;
	struct screen *screen;
	uint64_t turn_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Handles keys, and redraws if it is time. Exits if a key quits. */
static void turn(void *viewer)
{
	struct viewer *v = viewer;

	v->turn_ns = now_ns();
	if (!screen_turn(v->screen)) {
		screen_close(v->screen);
		exit(EXIT_SUCCESS);
	}
	if (screen_wants_mark(v->screen))
		state_mark(&v->state);
}

/* Waits until it is time for this event, with --speed. */
static void keep_pace(struct viewer *v, uint64_t time_ms, uint64_t speed)
{
	static uint64_t begin_ns, begin_ms;

	if (!begin_ns) {
		begin_ns = now_ns();
		begin_ms = time_ms;
	}
	while (time_ms > begin_ms && now_ns() < begin_ns + (time_ms - begin_ms) * 1000000 / speed) {
		turn(v);
		screen_wait(v->screen, TURN_MS);
	}
}

static void watch(struct viewer *v, struct mt_in *in, uint64_t speed)
{
	struct mt_event ev;

	for (uint64_t n = 0; mt_next(in, &ev) > 0; n++) {
		if (speed && (ev.kind == MT_ALLOC || ev.kind == MT_RSS))
			keep_pace(v, mt_known_ms(mt_in_header(in), &ev), speed);
		state_take(&v->state, &ev, mt_in_header(in));
		if (v->screen && n % TURN_EVENTS == 0 && now_ns() - v->turn_ns >= TURN_MS * 1000000u)
			turn(v);
	}
}

/* Without a terminal: prints the last picture, with all rows. */
static void print_rows(const struct state *s, const char *title, enum rows_by by, enum rows_sort sort)
{
	bool at_peak = peak_live(s->peak).count == 0;
	struct grouping *g = grouping_new(by, s);
	struct rows rows = rows_make(g, at_peak, sort, "");
	char numbers[ROWS_NUMBERS];

	printf("%s%s\n%sBy %s, sorted by %s\n", title, at_peak ? ", at the high-water mark" : "", ROWS_HEAD,
	       rows_by_name(by), rows_sort_name(sort));
	for (uint32_t i = 0; i < rows.n; i++)
		printf("%s%s\n", rows_numbers(&rows.at[i], numbers), rows.at[i].text);
	rows_clear(&rows);
	grouping_free(g);
}

static enum rows_by parse_by(const char *text)
{
	for (enum rows_by by = 0; by < ROWS_N_BY; by++)
		if (strcmp(text, rows_by_name(by)) == 0)
			return by;
	usage_die("--by: '%s' is not line, function, package, process or thread", text);
}

static enum rows_sort parse_sort(const char *text)
{
	for (enum rows_sort sort = 0; sort < ROWS_N_SORTS; sort++)
		if (strcmp(text, rows_sort_name(sort)) == 0)
			return sort;
	usage_die("--sort: '%s' is not own, total, count or growth", text);
}

int main(int argc, char **argv)
{
	enum rows_by by = ROWS_LINE;
	enum rows_sort sort = ROWS_OWN;
	uint64_t speed = 0;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1;)
		switch (key) {
		case 'b': by = parse_by(optarg); break;
		case 's': sort = parse_sort(optarg); break;
		case 'S': speed = tool_number(optarg, "--speed", 1, 1000000); break;
		}
	struct mt_in *in = tool_input(argc, argv);
	const struct mt_header *h = mt_in_header(in);
	char *title = provenance_title(h, "live memory"), *command = tool_printable(h->command);
	char *line = xasprintf("%s%s%s", command, *command ? ": " : "", title);
	struct viewer v = { 0 };

	mt_in_memory_only(in);
	state_init(&v.state, h);
	if (!isatty(STDOUT_FILENO)) {
		watch(&v, in, 0);
		print_rows(&v.state, line, by, sort);
		state_clear(&v.state);
		free(line);
		free(command);
		free(title);
		return tool_finish(in, NULL);
	}
	mt_in_follow(in);
	v.screen = screen_open(&v.state, line, by, sort, optind == argc);
	mt_in_on_tick(in, turn, &v);
	watch(&v, in, speed);
	screen_ended(v.screen, mt_in_error(in) ? "cut off" : "ended");
	for (;;) {
		turn(&v);
		screen_wait(v.screen, 400);
	}
}
