/*
 * tool.c - what all commands share: options, help, the page's OPTIONS, input, output, exit status
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amount.h"
#include "error.h"
#include "span.h"
#include "units.h"
#include "utf8.h"
#include "xmalloc.h"

#define HELP_COLUMNS 80
#define HELP_OPTION_MAX 24	/* an option and its argument wider than this get a line of their own */
#define OUTPUT_BYTES (1 << 20)	/* the default of /proc/sys/fs/pipe-max-size, the limit for users */

/* Keys of the options that every tool has; a tool's own keys are smaller than KEY_VERSION. */
enum {
	KEY_HELP = 'h',
	KEY_VERSION = 0x10000,
	KEY_HELP_MAN,
	KEY_HELP_OPTIONS,
};

static const struct tool_option common_options[] = {
	{ "help", KEY_HELP, NULL, "show this text and exit" },
	{ "version", KEY_VERSION, NULL, "show the version and exit" },
	{ NULL, 0, NULL, NULL },
};

static bool is_short(int key)
{
	return key > ' ' && key < 0x7f;
}

/* ---------------------------------------------------------------- help */

/* Exits; 1 if the text on standard output, the only result, could not be written. */
static void print_done(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		die("standard output: %s", strerror(errno));
	exit(0);
}

static int option_width(const struct tool_option *o)
{
	return (int)(strlen(o->name) + (o->arg ? strlen(o->arg) + 1 : 0));
}

/* Prints words from column `at` on, in lines that begin at column `indent`. */
static void print_wrapped(const char *text, int at, int indent)
{
	for (bool first = true; *text; first = false) {
		int size = (int)strcspn(text, " ");
		if (!first && at + 1 + size > HELP_COLUMNS) {
			printf("\n%*s", indent, "");
			at = indent;
		} else if (!first) {
			putchar(' ');
			at++;
		}
		printf("%.*s", size, text);
		at += size;
		text += size;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void help_options(const struct tool_option *o, int width)
{
	int indent = 6 + 2 + width + 2;

	for (; o && o->name; o++) {
		if (is_short(o->key))
			printf("  -%c, ", o->key);
		else
			printf("      ");
		printf("--%s%s%s", o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
		if (option_width(o) > width)
			printf("\n%*s", indent, "");
		else
			printf("%*s", width - option_width(o) + 2, "");
		print_wrapped(o->help, indent, indent);
	}
}

/* Returns the columns that the widest option needs, or HELP_OPTION_MAX. */
static int widest(const struct tool_option *o, int width)
{
	for (; o && o->name; o++)
		width = option_width(o) > width ? option_width(o) : width;
	return width < HELP_OPTION_MAX ? width : HELP_OPTION_MAX;
}

static void help(const struct tool *t)
{
	int width = widest(common_options, widest(t->options, 0));

	printf("%s - ", t->name);
	print_wrapped(t->summary, (int)strlen(t->name) + 3, (int)strlen(t->name) + 3);
	printf("\nUsage: %s [OPTION...] %s\n\nOptions:\n", t->name, t->operands ? t->operands : "");
	help_options(t->options, width);
	help_options(common_options, width);
	if (t->example)
		printf("\nExample:\n  %s\n", t->example);
	print_done();
}

/* Prints text as man(7) source: hyphens become minus signs, and nothing is taken as a request or an escape. */
static void man_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void man_options(const struct tool_option *o)
{
	for (; o && o->name; o++) {
		fputs(".TP\n\\fB", stdout);
		if (is_short(o->key))
			printf("\\-%c\\fR, \\fB", o->key);
		fputs("\\-\\-", stdout);
		man_text(o->name);
		fputs("\\fR", stdout);
		if (o->arg) {
			fputs("=\\fI", stdout);
			man_text(o->arg);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		man_text(o->help);
		fputs(".\n", stdout);
	}
}

static void help_man(const struct tool *t)
{
	puts(".SH OPTIONS");
	man_options(t->options);
	man_options(common_options);
	print_done();
}

/* For programs: a line for each option: its letter, name, argument and description, separated by tabs. */
static void list_options(const struct tool_option *o)
{
	for (; o && o->name; o++) {
		if (is_short(o->key))
			putchar(o->key);
		printf("\t%s\t%s\t%s\n", o->name, o->arg ? o->arg : "", o->help);
	}
}

static void help_options_list(const struct tool *t)
{
	list_options(t->options);
	list_options(common_options);
	print_done();
}

/* ---------------------------------------------------------------- options */

struct parser {
	struct option *longs;
	char *shorts;
	const char **given;	/* each option's last argument, "" if it takes none; NULL: not given */
};

static struct parser parser;

static void parser_add(struct parser *p, size_t *n, const char *name, int key, bool arg)
{
	p->longs[(*n)++] = (struct option){
		.name = name,
		.has_arg = arg ? required_argument : no_argument,
		.val = key,
	};
}

static struct parser parser_new(const struct tool *t)
{
	size_t n = 0, n_shorts = 0;
	while (t->options && t->options[n].name)
		n++;

	struct parser p = {
		.longs = xcalloc(n + 5, sizeof *p.longs),
		.shorts = xmalloc(2 * n + 4),	/* with "+:", "h" and the final 0 */
		.given = xcalloc(n + 1, sizeof *p.given),
	};
	if (t->options_end_at_operand)
		p.shorts[n_shorts++] = '+';
	p.shorts[n_shorts++] = ':';	/* getopt_long() prints nothing, and returns ':' for a missing argument */
	size_t n_longs = 0;
	for (size_t i = 0; i < n; i++) {
		const struct tool_option *o = &t->options[i];
		parser_add(&p, &n_longs, o->name, o->key, o->arg != NULL);
		if (is_short(o->key)) {
			p.shorts[n_shorts++] = (char)o->key;
			if (o->arg)
				p.shorts[n_shorts++] = ':';
		}
	}
	p.shorts[n_shorts++] = KEY_HELP;
	p.shorts[n_shorts] = '\0';
	parser_add(&p, &n_longs, "help", KEY_HELP, false);
	parser_add(&p, &n_longs, "version", KEY_VERSION, false);
	parser_add(&p, &n_longs, "help-man", KEY_HELP_MAN, false);
	parser_add(&p, &n_longs, "help-options", KEY_HELP_OPTIONS, false);
	return p;
}

static void note_given(const struct tool *t, int key)
{
	for (size_t i = 0; t->options && t->options[i].name; i++)
		if (t->options[i].key == key)
			parser.given[i] = optarg ? optarg : "";
}

static void missing_argument(int key)
{
	for (const struct option *o = parser.longs; o->name; o++)
		if (o->val == key)
			usage_die("option '--%s' needs an argument", o->name);
	BUG("option %d is not in any table", key);
}

static void bad_option(char **argv)
{
	const char *word = argv[optind - 1];

	if (!optopt)
		usage_die("unknown or ambiguous option '%s'", word);
	for (const struct option *o = parser.longs; o->name; o++)
		if (o->val == optopt)
			usage_die("option '--%s' takes no argument", o->name);
	usage_die("unknown option '-%c'", optopt);
}

int tool_getopt(const struct tool *t, int argc, char **argv)
{
	if (!parser.longs) {
		program_name = t->name;
		parser = parser_new(t);
		opterr = 0;
	}
	int key = getopt_long(argc, argv, parser.shorts, parser.longs, NULL);
	switch (key) {
	case KEY_HELP:
		help(t);
		break;
	case KEY_VERSION:
		printf("%s %s (memrec)\n", t->name, MEMREC_VERSION);
		print_done();
		break;
	case KEY_HELP_MAN:
		help_man(t);
		break;
	case KEY_HELP_OPTIONS:
		help_options_list(t);
		break;
	case ':':
		missing_argument(optopt);
		break;
	case '?':
		bad_option(argv);
		break;
	default:
		note_given(t, key);
	}
	return key;
}

uint64_t tool_size(const char *text, const char *option)
{
	uint64_t bytes = 0;

	if (!parse_size(text, &bytes))
		usage_die("%s: '%s' is not a size (examples: 512, 1.5k, 24MB, 1GiB)", option, text);
	return bytes;
}

uint64_t tool_time_ms(const char *text, const char *option, uint64_t min_ms, uint64_t max_ms)
{
	struct span span;

	if (!parse_span(text, &span) || span.is_percent)
		usage_die("%s: '%s' is not a time (examples: 500ms, 2s, 1.5min)", option, text);
	uint64_t ms = span_ms(&span, 0);
	if (ms < min_ms || ms > max_ms)
		usage_die("%s: %s is out of range (%llums to %llums)", option, text, (unsigned long long)min_ms,
			  (unsigned long long)max_ms);
	return ms;
}

uint64_t tool_number(const char *text, const char *option, uint64_t min, uint64_t max)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	/* strtoull() accepts signs and blanks, and turns -1 into a huge number. */
	if (text[0] < '0' || text[0] > '9' || *end)
		usage_die("%s: '%s' is not a whole number", option, text);
	if (errno == ERANGE || n < min || n > max) {
		if (max == UINT64_MAX)
			usage_die("%s: %s is out of range (at least %llu)", option, text,
				  (unsigned long long)min);
		usage_die("%s: %s is out of range (%llu to %llu)", option, text,
			  (unsigned long long)min, (unsigned long long)max);
	}
	return n;
}

/* ---------------------------------------------------------------- the header's stage */

/* Sets *words to "*words, more"; the option's argument replaces the "%" in `more`. */
static void add_words(char **words, const char *more, const char *arg)
{
	size_t before = strcspn(more, "%");
	char *old = *words;

	*words = xasprintf("%s%s%.*s%s%s", old, *old ? ", " : "", (int)before, more, more[before] ? arg : "",
			   more + before + (more[before] == '%'));
	free(old);
}

/* Returns the title of a tool's numbers with the options given. */
static char *stage_title(const struct tool *t)
{
	const char *title = t->title ? t->title : "";
	char *words = xstrdup("");

	for (size_t i = 0; t->options && t->options[i].name; i++) {
		const struct tool_option *o = &t->options[i];
		if (parser.given[i] && o->words)
			add_words(&words, o->words, parser.given[i]);
		if (parser.given[i] && o->title)
			title = o->title;
	}
	size_t before = strcspn(title, "%");
	bool has_place = title[before] == '%';
	char *whole = !*words ? xstrdup(has_place ? "" : title) :
		      xasprintf("%.*s%s%s%s", (int)before, title, has_place || !before ? "" : ", ", words,
				title + before + has_place);
	free(words);
	return whole;
}

/* Returns the options as given, without operands: the stage records the filter, not its files. */
static const char *const *stage_argv(char **argv)
{
	const char **words = xcalloc((size_t)optind + 1, sizeof *words);
	size_t n = 0;

	for (int i = 1; i < optind; i++)
		if (strcmp(argv[i], "--") != 0)
			words[n++] = argv[i];
	return words;
}

const struct mt_stage_options *tool_stage(const struct tool *t, char **argv)
{
	static struct mt_stage_options stage;

	if (!stage.program)
		stage = (struct mt_stage_options){
			.program = t->name,
			.version = MEMREC_VERSION,
			.argv = stage_argv(argv),
			.title = stage_title(t),
			.answer = t->answer,
			.mappings = t->mappings,
		};
	return &stage;
}

/* ---------------------------------------------------------------- streams */

/*
 * Writes in large pieces, and enlarges a pipe as far as allowed, so that its reader wakes up a sixteenth as often.
 * Output to a terminal stays line-buffered. If a pipe cannot be enlarged, its old size will do.
 */
static void widen_output(void)
{
	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, OUTPUT_BYTES);
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
}

static void let_pass(int sig)
{
	(void)sig;
}

/* A handler with SA_RESETHAND: an ignored signal would not be reset when it first arrives. */
static void outlive_first_interrupt(void)
{
	struct sigaction once = { .sa_handler = let_pass, .sa_flags = SA_RESETHAND | SA_RESTART }, before;

	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(SIGINT, &once, NULL);
}

void tool_will_read(const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	if (is_stdin && isatty(STDIN_FILENO))
		usage_die("standard input is a terminal: name a file, or pipe one in");
	if ((is_stdin ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		outlive_first_interrupt();
}

struct mt_in *tool_input(int argc, char **argv)
{
	static const char *const standard_input[] = { "-" };
	const char *const *paths = (const char *const *)(argv + optind);
	size_t n = (size_t)(argc - optind);
	char *why = NULL;

	/* Our parent may have ignored SIGPIPE; a closed pipe must end us all the same. */
	signal(SIGPIPE, SIG_DFL);
	widen_output();
	if (n == 0) {
		paths = standard_input;
		n = 1;
	}
	for (size_t i = 0; i < n; i++)
		tool_will_read(paths[i]);
	struct mt_in *in = mt_open(paths, n, &why);
	if (!in)
		die("%s", why ? why : "out of memory");
	return in;
}

static void flush_when_idle(void *out)
{
	if (mt_flush(out) < 0)
		return;		/* the error sticks: the next mt_put() fails, and tool_finish() reports it */
}

void tool_open_output(const char *path)
{
	if (!freopen(path, "w", stdout))
		die("%s: %s", path, strerror(errno));
}

void tool_binary_output(const char *what)
{
	if (!isatty(STDOUT_FILENO))
		return;
	warn("%s is binary: append '> FILE', or use -o FILE", what);
	exit(2);
}

struct mt_out *tool_output(const struct tool *t, struct mt_in *in, char **argv)
{
	signal(SIGPIPE, SIG_DFL);
	if (isatty(STDOUT_FILENO)) {
		warn("a trace is binary: append '| memsummary' or '> FILE'");
		exit(2);
	}

	struct mt_out *out = mt_create(STDOUT_FILENO, "standard output", MT_AUTO);
	if (!out)
		die("out of memory");
	if (argv)
		mt_out_stage(out, tool_stage(t, argv));
	if (in) {
		mt_in_on_idle(in, flush_when_idle, out);
		/* An error sticks: the tool's loop ends, and tool_finish() reports it. */
		(void)mt_put_header(out, mt_in_header(in));
	}
	return out;
}

/* The reader of our output is gone: exits as if killed by SIGPIPE. */
static void end_quietly(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE);	/* SIGPIPE is blocked */
}

static int finish_trace(struct mt_out *out)
{
	char *why = NULL;

	(void)mt_flush(out);
	if (mt_out_errno(out) == EPIPE)
		end_quietly();
	if (mt_close(out, &why) == 0)
		return 0;
	warn("%s", why ? why : "out of memory");
	free(why);
	return 1;
}

static int finish_text(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (errno == EPIPE)
		end_quietly();
	warn("standard output: %s", strerror(errno));
	return 1;
}

static void warn_each(const char *line)
{
	while (line && *line) {
		size_t n = strcspn(line, "\n");
		warn("%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static int finish_input(struct mt_in *in)
{
	int status = mt_in_error(in) ? 1 : 0;

	warn_each(mt_in_error(in));
	warn_each(mt_in_note(in));
	mt_close_in(in);
	return status;
}

static int finish_sums(void)
{
	if (amount_overflowed)
		warn("the sizes or weights in the trace add up to more than 2^64-1: the numbers are wrong");
	return amount_overflowed;
}

int tool_finish(struct mt_in *in, struct mt_out *out)
{
	int status = 0;

	if (out)
		status |= finish_trace(out);
	status |= finish_text();
	if (in)
		status |= finish_input(in);
	return status | finish_sums();
}

/* ---------------------------------------------------------------- text */

char *tool_printable(const char *text)
{
	size_t left = strlen(text);
	char *out = xmalloc(4 * left + 1), *q = out;

	while (left > 0) {
		size_t n = utf8_shown(text, left);
		if (n) {
			memcpy(q, text, n);
			q += n;
		} else {
			n = 1;	/* no later byte of it begins a character, so each is escaped too */
			q += sprintf(q, "\\x%02x", (unsigned char)*text);
		}
		text += n;
		left -= n;
	}
	*q = '\0';
	return out;
}

size_t tool_columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

bool tool_terminal(unsigned *lines, unsigned *columns)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return false;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*lines = size.ws_row ? size.ws_row : 24;
	*columns = size.ws_col ? size.ws_col : 80;
	return true;
}

bool tool_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

enum stacks_detail tool_detail(const char *text, const char *option)
{
	if (strcmp(text, "line") == 0)
		return STACKS_LINE;
	if (strcmp(text, "function") == 0)
		return STACKS_FUNCTION;
	if (strcmp(text, "file") == 0)
		return STACKS_FILE;
	usage_die("%s: '%s' is not line, function or file", option, text);
}
