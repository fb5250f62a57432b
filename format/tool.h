/*
 * tool.h - what all commands share: options, help, the page's OPTIONS, input, output, exit status
 *
 * A tool is a table, a loop and a finish. The table gives the parsing, --help,
 * --version and, by the hidden --help-man, the OPTIONS section of its man page. The hidden --help-options lists
 * it for programs: python -m memrec and the shells' completions.
 */
#ifndef TOOL_H
#define TOOL_H

#include <getopt.h>	/* optarg, optind */

#include "memtrace.h"
#include "stacks.h"

#define MEMREC_VERSION "0.1.0"

struct tool_option {
	const char *name;	/* "min-size": the long name */
	int key;		/* returned by tool_getopt(); if printable, also the short option */
	const char *arg;	/* "SIZE"; NULL if it takes none */
	const char *help;	/* one sentence, lower case, no full stop */
	/* of a filter: how the option narrows the answer, "at least %", with its argument at "%"; NULL: not at all */
	const char *words;
	const char *title;	/* replaces the tool's title if this option is given; NULL: it does not */
};

struct tool {
	const char *name;
	const char *summary;	/* the page's NAME: "fold a trace into lines for flame graphs" */
	/*
	 * Of a filter: describes the allocations it passes on ("temporary allocations"); the words of the options
	 * given follow it. A "%" marks the place of those words, as in "only %"; without such options there is
	 * then no title. NULL: the filter passes on everything.
	 */
	const char *title;
	/* it drops frees: the sum of the allocations it passes on is the answer, whatever a report is asked for */
	bool answer;
	bool mappings;		/* it was asked for mappings that are not memory: sums of its output count them */
	const char *operands;	/* "[TRACE...]" */
	const char *example;	/* a pipeline that a user can paste */
	const struct tool_option *options;	/* ends with a NULL name */
	bool options_end_at_operand;	/* memrec: everything after the first operand belongs to the command */
};

/*
 * Like getopt_long(3): returns the key of the next option, with its argument in
 * optarg, or -1 at the operands (optind). Handles --help (-h), --version, --help-man, --help-options
 * and usage errors (exit 2) itself. The first call sets program_name.
 */
int tool_getopt(const struct tool *t, int argc, char **argv);

/*
 * Return an option's argument as a size, as a time (span.h, no percents) or as a whole number, the latter two in
 * [min, max]; otherwise a usage error that names the option.
 */
uint64_t tool_size(const char *text, const char *option);
uint64_t tool_time_ms(const char *text, const char *option, uint64_t min_ms, uint64_t max_ms);
uint64_t tool_number(const char *text, const char *option, uint64_t min, uint64_t max);
/* The same for "line", "function", "file". */
enum stacks_detail tool_detail(const char *text, const char *option);

/*
 * Every command calls this for each of its inputs ("-": standard input) before it opens them; tool_input() and
 * folded_open() do so themselves. A terminal as standard input is a usage error. While the command reads a pipe, the
 * first SIGINT has no effect: a terminal sends it to the whole pipeline, and memrec's remaining output must still be
 * read to its end. The second one ends the command. If SIGINT was ignored, it stays ignored.
 */
void tool_will_read(const char *path);

/* Opens the operands after optind, or standard input if there are none. If that fails, exits with one line. */
struct mt_in *tool_input(int argc, char **argv);

/*
 * Returns a writer on standard output whose header is the input's plus this stage
 * (if in is NULL, no header is put). Refuses a terminal. Flushes when the input
 * pauses. argv is the tool's own, for the stage; NULL adds no stage, for a pure copy.
 */
struct mt_out *tool_output(const struct tool *t, struct mt_in *in, char **argv);

/*
 * Returns the stage that tool_output() appends to the header, for tools with several outputs: the options that
 * tool_getopt() found, and their words for the title. Created by the first call, never freed.
 */
const struct mt_stage_options *tool_stage(const struct tool *t, char **argv);

/*
 * Closes both (either may be NULL), reports damage, failed writes and sums that were too large (amount.h), and
 * flushes stdout if the tool prints text. Returns the exit status, 0 or 1.
 * SIGPIPE and EPIPE end a tool quietly.
 */
int tool_finish(struct mt_in *in, struct mt_out *out);

/*
 * Returns a copy of the text that is safe on one line and in a terminal: invalid UTF-8 and control characters become
 * \xHH. The caller frees it.
 */
char *tool_printable(const char *text);
/* Makes FILE the standard output, like "> FILE" in a shell. Exits if it cannot be opened. */
void tool_open_output(const char *path);
/* For output that is not text ("a trace"): exits with 2 and one line if standard output is a terminal. */
void tool_binary_output(const char *what);
/* Returns the number of columns that the text takes (one per character). */
size_t tool_columns(const char *text);

/* Gets the lines and columns of the terminal on standard output. Returns false if it is not a terminal. */
bool tool_terminal(unsigned *lines, unsigned *columns);
/* Returns whether to colour standard output: it is a terminal and NO_COLOR is not set. */
bool tool_colour(void);

#endif
