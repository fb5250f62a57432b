/*
 * memcat.c - check, join and compress traces; convert a trace to text and back
 *
 * In:    traces (stdin or files); --from-json: lines of JSON
 * Out:   the same trace; --json, --header: text
 * Keeps: nothing between events; --anonymize: each text once
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "memcat/anonymize.h"
#include "memcat/text.h"
#include "tool.h"


static const struct tool_option options[] = {
	{"json", 'j', NULL, "print each event as a line of JSON"},
	{"from-json", 'f', NULL, "read such lines and write a trace"},
	{"header", 'H', NULL, "print only the first trace's header, as JSON"},
	{"anonymize", 'a', NULL, "replace names, paths and command lines"},
	{"compress", 'z', NULL, "always compress (default: only into a file)"},
	{"uncompressed", 'u', NULL, "never compress (the trace is still an LZ4 frame)"},
	{NULL, 0, NULL, NULL},
};

static const struct tool tool = {
	.name = "memcat",
	.summary = "check, join and compress traces; convert a trace to text and back",
	.operands = "[TRACE...]",
	.example = "memcat --json trace.lz4 | jq -c 'select(.event == \"alloc\" and .size > 1e6)'",
	.options = options,
};

static void flush_trace(void *out)
{
	(void)mt_flush(out);	/* a failure sticks: the next mt_put() returns it */
}

static void flush_text(void *out)
{
	fflush(out);
}

static int copy(struct mt_in *in, enum mt_packing packing)
{
	struct mt_out *out = tool_output(&tool, NULL, NULL);
	struct mt_event ev;

	mt_out_packing(out, packing);
	mt_in_on_idle(in, flush_trace, out);
	if (mt_put_header(out, mt_in_header(in)) == 0)
		while (mt_next(in, &ev) > 0)
			if (mt_put(out, &ev) < 0)
				break;
	return tool_finish(in, out);
}

/* A trace without its texts. Each header of joined traces is one of the events. */
static int anonymize(struct mt_in *in, enum mt_packing packing)
{
	struct mt_out *out = tool_output(&tool, NULL, NULL);
	struct anonymizer *a = anonymizer_new();
	struct mt_header *h = anonymize_header(a, mt_in_header(in));
	struct mt_event ev;
	int status = mt_put_header(out, h);

	mt_out_packing(out, packing);
	mt_in_on_idle(in, flush_trace, out);
	while (status == 0 && mt_next(in, &ev) > 0)
		if (ev.kind == MT_HEADER) {
			mt_header_free(h);
			h = anonymize_header(a, mt_in_header(in));
			status = mt_put_header(out, h);
		} else if (anonymize_event(a, &ev)) {
			status = mt_put(out, &ev);
		}
	mt_header_free(h);
	anonymizer_free(a);
	return tool_finish(in, out);
}

static int from_text(char **paths, enum mt_packing packing)
{
	static char *standard_input[] = { "-", NULL };
	struct mt_out *out = tool_output(&tool, NULL, NULL);

	mt_out_packing(out, packing);
	for (char **path = *paths != NULL ? paths : standard_input; *path != NULL; path++) {
		bool is_stdin = strcmp(*path, "-") == 0;
		tool_will_read(*path);
		FILE *f = is_stdin ? stdin : fopen(*path, "re");
		if (f == NULL)
			die("%s: cannot open: %s", *path, strerror(errno));
		read_text(f, is_stdin ? "standard input" : *path, out);
		if (!is_stdin)
			fclose(f);
	}
	return tool_finish(NULL, out);
}

static int to_text(struct mt_in *in)
{
	mt_in_on_idle(in, flush_text, stdout);
	write_text(stdout, in);
	return tool_finish(in, NULL);
}

int main(int argc, char **argv)
{
	enum mt_packing packing = MT_AUTO;
	int mode = 0;
	bool without_texts = false;

	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1; )
		switch (c) {
		case 'z': packing = MT_COMPRESSED; break;
		case 'u': packing = MT_STORED; break;
		case 'a': without_texts = true; break;
		default:
			if (mode != 0 && mode != c)
				usage_die("give only one of --json, --from-json and --header");
			mode = c;
		}
	if (without_texts && mode)
		usage_die("--anonymize writes a trace: pass that on to memcat %s",
			  mode == 'j' ? "--json" : mode == 'H' ? "--header" : "instead of --from-json");
	if (mode == 'f')
		return from_text(argv + optind, packing);
	struct mt_in *in = tool_input(argc, argv);
	switch (mode) {
	case 'j':
		return to_text(in);
	case 'H':
		write_header(stdout, mt_in_header(in));
		return tool_finish(in, NULL);
	default:
		return without_texts ? anonymize(in, packing) : copy(in, packing);
	}
}
