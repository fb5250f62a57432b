/*
 * memflame.c - one offline HTML page with a flame graph of memory
 *
 * In:    folded lines (with one number, or memdiff's two), or a trace (told by its first bytes)
 * Out:   one HTML document that needs nothing else
 * Keeps: the call tree: some 50 bytes a node, and its texts
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memflame/folded.h"
#include "memflame/page.h"
#include "memflame/trace.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "leaks", 'l', NULL, "from a trace: show what was never freed, not the high-water mark" },
	{ "total", 't', NULL, "from a trace: show every allocation ever made" },
	{ "by-process", 'P', NULL, "from a trace: an outermost frame for each process" },
	{ "inverted", 'i', NULL, "open inverted: what allocates first, its callers below" },
	{ "unit", 'u', "UNIT", "what the counts of folded lines are: bytes (the default), or a word such as allocations" },
	{ "title", 'T', "TEXT", "what the page says the numbers are" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memflame",
	.summary = "one offline HTML page with a flame graph of memory",
	.operands = "[FILE]",
	.example = "memleak trace.lz4 | memflame > leaks.html",
	.options = options,
};

/* ---------------------------------------------------------------- what the input is */

/* The first bytes of fd, which stay there to be read; how many. */
static size_t peek(int fd, uint8_t *first, size_t size)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t n;

	if (at >= 0) {
		n = pread(fd, first, size, at);
	} else {
		int copy[2];
		if (pipe2(copy, O_CLOEXEC) < 0)
			die("pipe: %s", strerror(errno));
		n = tee(fd, copy[1], size, 0);
		if (n > 0)
			n = read(copy[0], first, (size_t)n);
		close(copy[0]);
		close(copy[1]);
	}
	/* Neither file nor pipe, or it cannot be read: reading will tell. */
	return n > 0 ? (size_t)n : 0;
}

/*
 * Traces begin as LZ4 frames (skippable ones too) or as a msgpack map. A pipe may
 * have given one byte only; no text begins with that of a frame or of a small map.
 */
static bool is_trace(const uint8_t *first, size_t n)
{
	if (n == 0)
		return false;
	if (first[0] == 0x04 || (first[0] >= 0x80 && first[0] <= 0x8f))
		return true;
	if (n >= 4 && (first[0] & 0xf0) == 0x50 && memcmp(first + 1, "\x2a\x4d\x18", 3) == 0)
		return true;
	/* A larger map, where UTF-8 would go on with 0x80 to 0xbf. */
	return (first[0] == 0xde || first[0] == 0xdf) && n >= 2 && first[1] < 0x80;
}

/*
 * The operand on descriptor 0, so that a pipe by name and standard input are one
 * case; and its name for messages.
 */
static const char *open_input(int argc, char **argv)
{
	const char *path = optind < argc ? argv[optind] : "-";

	if (argc - optind > 1)
		usage_die("one input only; join traces by memcat, folded lines by cat");
	if (strcmp(path, "-") == 0) {
		if (isatty(STDIN_FILENO))
			usage_die("standard input is a terminal: name a file, or pipe folded lines or a trace in");
		return "standard input";
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (fd != STDIN_FILENO) {
		if (dup2(fd, STDIN_FILENO) < 0)
			die("%s: %s", path, strerror(errno));
		close(fd);
	}
	return path;
}

/* ---------------------------------------------------------------- the two inputs */

struct choices {
	const char *title, *unit;
	enum tally_what what;
	bool inverted;
	bool by_process;
};

static int from_folded(const char *name, const struct choices *c)
{
	const char *unit = c->unit ? c->unit : "bytes";
	struct tree t;
	tree_init(&t);
	folded_read(stdin, name, &t);
	char *title = xasprintf("%s by call stack%s", strcmp(unit, "bytes") == 0 ? "memory" : unit,
				t.difference ? ", before and after" : "");
	struct page page = {
		.title = c->title ? c->title : title,
		.titled = c->title != NULL,
		.command = "",
		.unit = unit,
		.inverted = c->inverted,
	};
	page_write(&t, &page, stdout);
	free(title);
	tree_clear(&t);
	return tool_finish(NULL, NULL);
}

/* A regular file is opened by its name, for messages; a pipe could not be opened twice. */
static struct mt_in *open_trace(const char *name, int argc, char **argv)
{
	struct stat st;

	if (optind < argc && stat(name, &st) == 0 && S_ISREG(st.st_mode))
		return tool_input(argc, argv);
	return tool_input(optind, argv);
}

static int from_trace(struct mt_in *in, const struct choices *c)
{
	struct tally *tally = c->by_process ? tally_read_by_process(in, c->what) : tally_read(in, c->what);
	struct tree t;
	tree_init(&t);
	trace_take(tally, &t);
	struct page page = {
		.title = c->title ? c->title : tally->title,
		.titled = c->title != NULL,
		.command = tally->command ? tally->command : "",
		.unit = "bytes",
		.counts = true,
		.inverted = c->inverted,
	};
	page_write(&t, &page, stdout);
	tree_clear(&t);
	tally_free(tally);
	return tool_finish(in, NULL);
}

static struct choices read_options(int argc, char **argv)
{
	struct choices c = { .what = TALLY_PEAK };

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1;)
		switch (key) {
		case 'l': tally_choose(&c.what, TALLY_LEAKS); break;
		case 't': tally_choose(&c.what, TALLY_TOTAL); break;
		case 'P': c.by_process = true; break;
		case 'i': c.inverted = true; break;
		case 'u': c.unit = optarg; break;
		case 'T': c.title = optarg; break;
		}
	if (c.unit && !c.unit[0])
		usage_die("--unit: what are the counts? Name it, as bytes or samples");
	if (c.title && !c.title[0])
		usage_die("--title: the text is empty");
	return c;
}

int main(int argc, char **argv)
{
	struct choices c = read_options(argc, argv);
	const char *name = open_input(argc, argv);
	uint8_t first[4];

	/* Whoever started us may have ignored it; a closed pipe is to end us all the same. */
	signal(SIGPIPE, SIG_DFL);
	if (isatty(STDOUT_FILENO))
		usage_die("the page would go to the terminal: append '> page.html'");
	if (is_trace(first, peek(STDIN_FILENO, first, sizeof first))) {
		if (c.unit)
			usage_die("%s: --unit is for folded lines; a trace is of bytes and allocations", name);
		return from_trace(open_trace(name, argc, argv), &c);
	}
	if (c.what != TALLY_PEAK || c.by_process)
		usage_die("%s: --leaks, --total and --by-process are for traces; memfold has them for folded lines", name);
	return from_folded(name, &c);
}
