/*
 * memflame.c - one offline HTML page with a flame graph of memory
 *
 * In:    folded lines (with one number, or memdiff's two), or a trace; the first bytes show which
 * Out:   one HTML document that needs nothing else
 * Keeps: the call tree: some 50 bytes a node, and its texts
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "folded.h"
#include "memflame/facts.h"
#include "memflame/labels.h"
#include "memflame/package.h"
#include "memflame/page.h"
#include "memflame/svg.h"
#include "memflame/trace.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_NO_SOURCE = 256, KEY_NO_CMDLINE, KEY_WIDTH };

#define WIDTH 1200

static const struct tool_option options[] = {
	{ "leaks", 'l', NULL, "from a trace: show memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "from a trace: show every allocation ever made" },
	{ "by-process", 'P', NULL, "from a trace: add an outermost frame for each process" },
	{ "inverted", 'i', NULL, "open inverted: allocating functions first, their callers below" },
	{ "unit", 'u', "UNIT",
	  "unit of the numbers in folded lines: bytes (the default), or a word such as allocations" },
	{ "svg", 's', NULL, "write a picture of the first view, for documents, instead of a page" },
	{ "width", KEY_WIDTH, "PIXELS", "width of the picture (default: 1200)" },
	{ "output", 'o', "FILE", "write to FILE instead of standard output" },
	{ "no-source", KEY_NO_SOURCE, NULL, "leave out the source code that the trace contains" },
	{ "no-cmdline", KEY_NO_CMDLINE, NULL, "leave out the recorded command lines" },
	{ "title", 'T', "TEXT", "use TEXT as the title, which describes the numbers" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memflame",
	.summary = "one offline HTML page with a flame graph of memory",
	.operands = "[FILE]",
	.example = "memleak trace.lz4 | memflame > leaks.html",
	.options = options,
};

struct choices {
	const char *title, *unit;
	enum tally_what what;
	bool inverted;
	bool by_process;
	bool svg;
	bool no_source, no_cmdline;
	unsigned width;		/* 0: not given */
};

/* "alive at the high-water mark, before and after" */
static char *difference_title(const struct folded_side *before, const struct folded_side *after, const char *unit)
{
	bool known = before->name && after->name && *before->title && strcmp(before->title, after->title) == 0;

	if (known)
		return xasprintf("%s, before and after", before->title);
	return xasprintf("%s by call stack, before and after", strcmp(unit, "bytes") == 0 ? "memory" : unit);
}

static int from_folded(struct folded *f, const struct choices *c)
{
	const char *unit = c->unit ? c->unit : "bytes";
	struct tree t;
	tree_init(&t);
	labels_take(f, &t);
	packages_find(&t);
	const struct folded_side *before = folded_side(f, 0), *after = folded_side(f, 1);
	bool named = t.difference && before->name && after->name;
	char *title = t.difference ? difference_title(before, after, unit)
				   : xasprintf("%s by call stack", strcmp(unit, "bytes") == 0 ? "memory" : unit);
	char *inputs = named ? xasprintf("%s to %s", before->name, after->name) : xstrdup("");
	struct page page = {
		.title = c->title ? c->title : title,
		.titled = c->title != NULL,
		.command = inputs,
		.inputs = { named ? before->name : NULL, named ? after->name : NULL },
		.unit = unit,
		.inverted = c->inverted,
		.width = c->width ? c->width : WIDTH,
	};
	(c->svg ? svg_write : page_write)(&t, &page, stdout);
	free(title);
	free(inputs);
	tree_clear(&t);
	int status = folded_finish(f);
	return tool_finish(NULL, NULL) | status;
}

static bool has_processes(const struct tree *t)
{
	uint32_t processes = 0;

	for (uint32_t i = 0; i < t->n_places; i++)
		processes += t->places[i].kind == PLACE_PROCESS;
	return processes > 1;
}

static int from_trace(struct mt_in *in, const struct choices *c)
{
	struct recording *r = recording_read(in, c->what, !c->no_source && !c->svg);
	if (c->no_cmdline)
		recording_drop_commands(r);
	struct tree t;
	tree_init(&t);
	uint32_t *node_of_key = recording_plant(r, &t, c->by_process);
	recording_planted(r);
	packages_find(&t);
	struct page page = {
		.title = c->title ? c->title : r->title,
		.titled = c->title != NULL,
		.command = r->command,
		.unit = "bytes",
		.counts = true,
		.inverted = c->inverted,
		.processes = c->by_process || has_processes(&t),
		.width = c->width ? c->width : WIDTH,
		.recording = r,
		.node_of_key = node_of_key,
	};
	facts_take(&page, r, mt_in_error(in) ? mt_in_error(in) : mt_in_note(in));
	(c->svg ? svg_write : page_write)(&t, &page, stdout);
	facts_clear(&page);
	tree_clear(&t);
	free(node_of_key);
	recording_free(r);
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
		case 's': c.svg = true; break;
		case 'o': tool_open_output(optarg); break;
		case KEY_WIDTH: c.width = (unsigned)tool_number(optarg, "--width", 100, 10000); break;
		case KEY_NO_SOURCE: c.no_source = true; break;
		case KEY_NO_CMDLINE: c.no_cmdline = true; break;
		case 'T': c.title = optarg; break;
		}
	if (c.width && !c.svg)
		usage_die("--width needs --svg");
	if (c.unit && !c.unit[0])
		usage_die("--unit: the unit is empty; name one, such as bytes or samples");
	if (c.title && !c.title[0])
		usage_die("--title: the text is empty");
	return c;
}

static const char *choose_input(int argc, char **argv)
{
	const char *path = optind < argc ? argv[optind] : "-";

	if (argc - optind > 1)
		usage_die("only one input; join traces with memcat, folded lines with cat");
	if (isatty(STDOUT_FILENO))
		usage_die("the page is for a browser: append '> page.html', or use -o FILE");
	return path;
}

int main(int argc, char **argv)
{
	struct choices c = read_options(argc, argv);
	struct folded *f = folded_open(choose_input(argc, argv));

	/* Arrays that grow to many MB are mapped, not heap: they move without copies, and leave no holes. */
	mallopt(M_MMAP_THRESHOLD, 1 << 18);
	/* Our parent may have ignored SIGPIPE; a closed pipe must end us all the same. */
	signal(SIGPIPE, SIG_DFL);
	if (folded_is_trace(f)) {
		if (c.unit)
			usage_die("%s: --unit is for folded lines; a trace has bytes and allocations",
				  folded_name(f));
		return from_trace(folded_trace(f), &c);
	}
	if (c.what != TALLY_PEAK || c.by_process)
		usage_die("%s: --leaks, --total and --by-process are for traces; memfold has them for folded lines",
			  folded_name(f));
	return from_folded(f, &c);
}
