/*
 * screen.c - memtop's screen and keys
 */
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "fit.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

#define REDRAW_NS 300000000u
#define REPAINT_NS 1000000000u	/* how long other commands of the pipeline may overwrite the screen */
#define HEAD_LINES 2
#define COURSE_LINES 4
#define ESC 27

enum view { VIEW_TABLE, VIEW_TREE, VIEW_HELP };

struct screen {
	const struct state *state;
	const char *title;
	FILE *keyboard;
	SCREEN *terminal;
	enum rows_by by;
	enum rows_sort sort;
	struct grouping *grouping;
	enum view view;
	struct rows rows;	/* of the table or the tree */
	uint32_t tree_origin;
	char *tree_text;
	uint32_t top, at;	/* the first line shown; the selected one */
	bool paused, at_peak, searching, wants_mark, utf8, changed;
	char search[64];
	const char *ended;
	uint64_t repaint_ns;	/* until then, the whole screen is redrawn each time */
	int interrupted, allowed;	/* the number of Ctrl-C handled, and of those that do not quit */
	uint64_t drawn_ns, rate_ns, rate_events, rate;
};

/* A Ctrl-C reaches the whole pipeline. */
static volatile sig_atomic_t interrupts;

static void interrupt(int sig)
{
	(void)sig;
	interrupts = interrupts + 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct screen *screen_open(const struct state *state, const char *title, enum rows_by by, enum rows_sort sort,
			   bool piped)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct screen *s = xcalloc(1, sizeof *s);

	*s = (struct screen){ .state = state, .title = title, .by = by, .sort = sort, .changed = true,
			      .allowed = piped };
	setlocale(LC_CTYPE, "");
	s->utf8 = MB_CUR_MAX > 1;
	s->keyboard = fopen("/dev/tty", "re");
	if (!s->keyboard)
		die("/dev/tty: %s: memtop needs a terminal; without one: memsummary --every 5s", strerror(errno));
	s->terminal = newterm(NULL, stdout, s->keyboard);
	if (!s->terminal)
		die("memtop cannot draw on a terminal with TERM=%s", getenv("TERM") ? getenv("TERM") : "");
	sigaction(SIGINT, &action, NULL);
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	s->grouping = grouping_new(by, state);
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	endwin();
	delscreen(s->terminal);
	fclose(s->keyboard);
	grouping_free(s->grouping);
	rows_clear(&s->rows);
	free(s->tree_text);
	free(s);
}

void screen_ended(struct screen *s, const char *why)
{
	s->ended = why;
	s->changed = true;
	s->repaint_ns = now_ns() + REPAINT_NS;
	s->allowed = interrupts;
	s->at_peak = s->at_peak || peak_live(s->state->peak).count == 0;	/* nothing is live: show the peak */
}

bool screen_wants_mark(struct screen *s)
{
	bool wants = s->wants_mark;

	s->wants_mark = false;
	return wants;
}

void screen_wait(const struct screen *s, int ms)
{
	struct pollfd keys = { .fd = fileno(s->keyboard), .events = POLLIN };

	poll(&keys, 1, ms);
}

/* ---------------------------------------------------------------- drawing */

/* Puts the text, cut to that many columns. */
static void put_text(int y, int x, const char *text, int columns)
{
	char *fitting = fit(text, columns > 0 ? (size_t)columns : 0);

	mvaddstr(y, x, fitting);
	free(fitting);
}

/* Whether the trace has how resident memory is divided, which has a line of its own then. */
static int head_lines(const struct screen *s)
{
	const struct resident_sizes *all = &s->state->resident.all;

	return all->private || all->proportional || all->swap ? HEAD_LINES + 1 : HEAD_LINES;
}

static void draw_division(const struct resident_sizes *all)
{
	char private[SIZE_TEXT], proportional[SIZE_TEXT], swap[SIZE_TEXT], line[128];

	snprintf(line, sizeof line, "of all processes: private %s, proportional %s, swap %s",
		 size_text(all->private, private), size_text(all->proportional, proportional),
		 size_text(all->swap, swap));
	put_text(HEAD_LINES, 0, line, COLS);
}

static void draw_head(struct screen *s)
{
	const struct state *st = s->state;
	char heap[SIZE_TEXT], rss[SIZE_TEXT], peak[SIZE_TEXT], after[DURATION_TEXT], line[256], error[SIZE_TEXT];
	bool sampled = st->replay.sampled;
	const char *what = s->ended ? s->ended : s->paused ? "paused" : "live";

	attron(A_BOLD);
	put_text(0, 0, s->title, COLS);
	attroff(A_BOLD);
	snprintf(line, sizeof line, "%s, %s: heap %s%s%s, resident %s, peak %s, %zu process%s", what,
		 duration_text(st->now_ms, after), size_text(peak_live(st->peak).bytes, heap), sampled ? " ± " : "",
		 sampled ? size_text(variance_error(st->replay.live_variance).bytes, error) : "",
		 size_text(st->resident.all.rss, rss),
		 size_text(peak_now(st->peak).bytes, peak), st->n_processes, st->n_processes == 1 ? "" : "es");
	if (!s->ended)
		snprintf(line + strlen(line), sizeof line - strlen(line), ", %" PRIu64 "/s", s->rate);
	put_text(1, 0, line, COLS);
	if (head_lines(s) > HEAD_LINES)
		draw_division(&st->resident.all);
}

/* Returns a bar of so many eighths of a character's height; without Unicode, a full one or none. */
static const char *bar(const struct screen *s, unsigned eighths)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

	return s->utf8 ? bars[eighths] : eighths >= 4 ? "#" : " ";
}

/* Draws the heap as bars in COURSE_LINES lines, and the resident size as dots above them. */
static void draw_course(const struct screen *s)
{
	const struct state *st = s->state;
	uint64_t most = 1;
	uint32_t n = st->n_course, columns = COLS > 12 ? (uint32_t)COLS - 11 : 1;
	char text[SIZE_TEXT];

	for (uint32_t i = 0; i < n; i++) {
		most = st->course[i].heap > most ? st->course[i].heap : most;
		most = st->course[i].rss > most ? st->course[i].rss : most;
	}
	for (uint32_t k = 0; k < columns && n; k++) {
		uint32_t i = columns < n ? (uint32_t)((uint64_t)k * n / columns) : k;
		if (i >= n)
			break;
		double heap = (double)st->course[i].heap * COURSE_LINES * 8 / (double)most;
		double rss = (double)st->course[i].rss * COURSE_LINES * 8 / (double)most;
		for (int y = 0; y < COURSE_LINES; y++) {
			double part = heap - 8 * (COURSE_LINES - 1 - y), over = rss - 8 * (COURSE_LINES - 1 - y);
			unsigned eighths = part <= 0 ? 0 : part >= 8 ? 8 : (unsigned)(part + .5);
			bool resident = eighths == 0 && over > 0 && over <= 8;
			mvaddstr(head_lines(s) + y, (int)k, resident ? "." : bar(s, eighths));
		}
	}
	put_text(head_lines(s), (int)columns + 1, size_text(most, text), 10);
	put_text(head_lines(s) + COURSE_LINES - 1, (int)columns + 1, ". resident", 10);
}

static void draw_row(const struct screen *s, int y, const struct row *row)
{
	char total[SIZE_TEXT], count[28], line[ROWS_NUMBERS];

	if (s->view == VIEW_TREE)
		snprintf(line, sizeof line, "%11s %5.1f%% %12s  ", size_text(row->total, total),
			 s->rows.bytes ? 100. * (double)row->total / (double)s->rows.bytes : 0,
			 count_text(row->count, count));
	else
		rows_numbers(row, line);
	put_text(y, 0, line, COLS);
	put_text(y, (int)strlen(line), row->text, COLS - (int)strlen(line));
}

static int table_line(const struct screen *s)
{
	return head_lines(s) + COURSE_LINES;
}

/* Returns the number of lines for rows: between the table's heading and the last line of the screen. */
static int table_lines(const struct screen *s)
{
	return LINES > table_line(s) + 3 ? LINES - table_line(s) - 2 : 1;
}

static void draw_table(struct screen *s)
{
	char columns[ROWS_NUMBERS], line[256];

	if (s->view == VIEW_TREE) {
		snprintf(columns, sizeof columns, "%11s %6s %12s  ", "Size", "", "Blocks");
		snprintf(line, sizeof line, "Calls to %s", s->tree_text);
	} else {
		snprintf(columns, sizeof columns, "%s", ROWS_HEAD);
		snprintf(line, sizeof line, "By %s, sorted by %s%s", rows_by_name(s->by), rows_sort_name(s->sort),
			 s->at_peak ? ", at peak" : "");
	}
	attron(A_REVERSE);
	mvhline(table_line(s), 0, ' ', COLS);
	put_text(table_line(s), 0, columns, COLS);
	put_text(table_line(s), (int)strlen(columns), line, COLS - (int)strlen(columns));
	attroff(A_REVERSE);
	for (int y = 0; y < table_lines(s) && s->top + (uint32_t)y < s->rows.n; y++) {
		bool chosen = s->top + (uint32_t)y == s->at;
		if (chosen)
			attron(A_BOLD | A_UNDERLINE);
		draw_row(s, table_line(s) + 1 + y, &s->rows.at[s->top + (uint32_t)y]);
		if (chosen)
			attroff(A_BOLD | A_UNDERLINE);
	}
}

static const char *const help[] = {
	"up, down, page up, page down, home, end   choose a row",
	"Enter    the calls that lead to the row     Esc      back",
	"b        by line, function, package, process, thread",
	"s        sort by own, total, count, growth   (or o t c g)",
	"/        show only rows with this text       (Esc: all)",
	"p        at the high-water mark, or now",
	"m        count growth from now on",
	"space    pause the view; reading continues",
	"q        quit",
};

static void draw_help(const struct screen *s)
{
	for (int i = 0; i < (int)(sizeof help / sizeof *help) && table_line(s) + 1 + i < LINES; i++)
		put_text(table_line(s) + 1 + i, 2, help[i], COLS - 2);
}

static void draw_foot(const struct screen *s)
{
	char line[160];

	if (s->searching || *s->search)
		snprintf(line, sizeof line, "/%s%s  (%u rows)", s->search, s->searching ? "_" : "", s->rows.n);
	else
		snprintf(line, sizeof line,
			 "q quit  Enter calls  b by  s sort  / find  p peak  m mark  space pause  ? help");
	put_text(LINES - 1, 0, line, COLS - 1);
}

static void make_rows(struct screen *s)
{
	rows_clear(&s->rows);
	s->rows = s->view == VIEW_TREE ? rows_tree(s->grouping, s->tree_origin, s->at_peak) :
					 rows_make(s->grouping, s->at_peak, s->sort, s->search);
	if (s->at >= s->rows.n)
		s->at = s->rows.n ? s->rows.n - 1 : 0;
}

static void measure_rate(struct screen *s, uint64_t now)
{
	if (now - s->rate_ns < 1000000000u)
		return;
	if (s->rate_ns)
		s->rate = (s->state->events - s->rate_events) * 1000000000u / (now - s->rate_ns);
	s->rate_ns = now;
	s->rate_events = s->state->events;
}

static void draw(struct screen *s, uint64_t now)
{
	if (!s->paused || s->changed)
		make_rows(s);
	if (s->at < s->top)
		s->top = s->at;
	if (s->at >= s->top + (uint32_t)table_lines(s))
		s->top = s->at - (uint32_t)table_lines(s) + 1;
	measure_rate(s, now);
	erase();
	draw_head(s);
	draw_course(s);
	if (s->view == VIEW_HELP)
		draw_help(s);
	else
		draw_table(s);
	draw_foot(s);
	if (now < s->repaint_ns)
		clearok(stdscr, TRUE);
	refresh();
	s->drawn_ns = now;
	s->changed = false;
}

/* ---------------------------------------------------------------- keys */

static void show(struct screen *s, enum view view)
{
	s->view = view;
	s->top = s->at = 0;
}

static void open_tree(struct screen *s)
{
	if (s->view != VIEW_TABLE || s->at >= s->rows.n)
		return;
	s->tree_origin = s->rows.at[s->at].origin;
	free(s->tree_text);
	s->tree_text = xstrdup(s->rows.at[s->at].text);
	show(s, VIEW_TREE);
}

static void group_by(struct screen *s, enum rows_by by)
{
	s->by = by;
	grouping_free(s->grouping);
	s->grouping = grouping_new(by, s->state);
	show(s, VIEW_TABLE);
}

static void type(struct screen *s, int key)
{
	size_t n = strlen(s->search);

	if (key == '\n' || key == KEY_ENTER)
		s->searching = false;
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && n)
		s->search[n - 1] = '\0';
	else if (key >= ' ' && key < 127 && n + 1 < sizeof s->search)
		s->search[n] = (char)key;
	s->top = s->at = 0;
}

static void go_back(struct screen *s)
{
	if (s->view == VIEW_TABLE || s->searching) {
		memset(s->search, 0, sizeof s->search);
		s->searching = false;
	}
	show(s, VIEW_TABLE);
}

static void move_by(struct screen *s, int64_t lines)
{
	int64_t at = (int64_t)s->at + lines, last = s->rows.n ? (int64_t)s->rows.n - 1 : 0;

	s->at = at < 0 ? 0 : at > last ? (uint32_t)last : (uint32_t)at;
}

/* Returns false to quit. */
static bool take_key(struct screen *s, int key)
{
	if (key == ESC) {
		go_back(s);
		return true;
	}
	if (s->searching) {
		type(s, key);
		return true;
	}
	switch (key) {
	case 'q': return false;
	case 'L' & 31: clearok(stdscr, TRUE); break;	/* Ctrl-L */
	case ' ': s->paused = !s->paused; break;
	case 'p': s->at_peak = !s->at_peak; break;
	case 'm': s->wants_mark = true; break;
	case 'b': group_by(s, (s->by + 1) % ROWS_N_BY); break;
	case 's': s->sort = (s->sort + 1) % ROWS_N_SORTS; break;
	case 'o': s->sort = ROWS_OWN; break;
	case 't': s->sort = ROWS_TOTAL; break;
	case 'c': s->sort = ROWS_COUNT; break;
	case 'g': s->sort = ROWS_GROWTH; break;
	case '/':
		show(s, VIEW_TABLE);
		memset(s->search, 0, sizeof s->search);
		s->searching = true;
		break;
	case '\n':
	case KEY_ENTER: open_tree(s); break;
	case '?':
	case 'h': show(s, s->view == VIEW_HELP ? VIEW_TABLE : VIEW_HELP); break;
	case KEY_UP: move_by(s, -1); break;
	case KEY_DOWN: move_by(s, 1); break;
	case KEY_PPAGE: move_by(s, -table_lines(s)); break;
	case KEY_NPAGE: move_by(s, table_lines(s)); break;
	case KEY_HOME: move_by(s, INT32_MIN); break;
	case KEY_END: move_by(s, INT32_MAX); break;
	default: break;
	}
	return true;
}

bool screen_turn(struct screen *s)
{
	int key;

	while ((key = getch()) != ERR) {
		s->changed = true;
		if (!take_key(s, key))
			return false;
	}
	if (interrupts > s->allowed)
		return false;
	uint64_t now = now_ns();
	if (s->interrupted != interrupts) {
		s->interrupted = interrupts;
		s->repaint_ns = now + REPAINT_NS;
	}
	bool dirty = now < s->repaint_ns;
	if (s->changed || ((dirty || (!s->paused && !s->ended)) && now - s->drawn_ns >= REDRAW_NS))
		draw(s, now);
	return true;
}
