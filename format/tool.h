/*
 * tool.h - what every command shares: options, help, its page's OPTIONS, input, output, ending
 *
 * A tool is a table, a loop and a finish. The table gives the parsing, --help,
 * --version and, by the hidden --help-man, the OPTIONS section of its man page.
 */
#ifndef TOOL_H
#define TOOL_H

#include <getopt.h>	/* optarg, optind */

#include "memtrace.h"
#include "stacks.h"

#define MEMREC_VERSION "0.1.0"

struct tool_option {
	const char *name;	/* "min-size": the long name */
	int key;		/* what tool_getopt() returns: a printable one is the short option too */
	const char *arg;	/* "SIZE", or NULL: takes none */
	const char *help;	/* one sentence, lower case, no full stop */
	const char *words;	/* of a filter: how it narrows the answer, "at least %", its argument at "%"; NULL: not at all */
	const char *title;	/* the tool's title instead, if this option is given; NULL: the tool's stays */
};

struct tool {
	const char *name;
	const char *summary;	/* the page's NAME: "fold a trace into lines for flame graphs" */
	/*
	 * Of a filter: words for the numbers of what it leaves, followed by the words of the options given:
	 * "temporary allocations". If they have a place of their own, at "%", as in "only %", it is for them alone:
	 * without them there is no title. NULL: it leaves all that was there.
	 */
	const char *title;
	bool answer;		/* it drops frees: the sum of what it leaves is the answer, whatever is asked later */
	const char *operands;	/* "[TRACE...]" */
	const char *example;	/* a pipeline to paste */
	const struct tool_option *options;	/* ends with a NULL name */
	bool options_end_at_operand;	/* memrec: what follows the first operand is not ours */
};

/*
 * Like getopt_long(3): the key of the next option, its argument in optarg; -1
 * at the operands (optind). Handles --help, --version, --help-man itself, and
 * misuse (exit 2). The first call sets program_name.
 */
int tool_getopt(const struct tool *t, int argc, char **argv);

/* An option's argument as a size, or as a whole number in [min, max]; misuse dies naming the option. */
uint64_t tool_size(const char *text, const char *option);
uint64_t tool_number(const char *text, const char *option, uint64_t min, uint64_t max);
/* The same of "line", "function", "file". */
enum stacks_detail tool_detail(const char *text, const char *option);

/*
 * Open the operands after optind (none: standard input; with a terminal there:
 * usage). Dies in one plain line if that fails.
 */
struct mt_in *tool_input(int argc, char **argv);

/*
 * A writer on standard output whose header is the input's plus this stage (in
 * may be NULL: no header put). Refuses a terminal. When the input pauses, what is
 * buffered is passed on. argv is the tool's own, for the stage; NULL: a pure copy adds no stage.
 */
struct mt_out *tool_output(const struct tool *t, struct mt_in *in, char **argv);

/*
 * The stage that tool_output() appends to the header, for tools with several outputs: the options that
 * tool_getopt() met, and what they mean for the numbers. Made by the first call, never freed.
 */
const struct mt_stage_options *tool_stage(const struct tool *t, char **argv);

/*
 * Close both (either may be NULL), say what was damaged or could not be
 * written, and that a sum was too large (amount.h), flush stdout if the tool prints text. The exit status: 0, or 1.
 * SIGPIPE and EPIPE end a tool quietly.
 */
int tool_finish(struct mt_in *in, struct mt_out *out);

/* Text from a trace, fit for a line and a terminal: what is no UTF-8 or steers it as \xHH. To be freed. */
char *tool_printable(const char *text);
/* How many columns that takes (a character is one). */
size_t tool_columns(const char *text);

/* The terminal on standard output: its lines and columns; false: there is none. */
bool tool_terminal(unsigned *lines, unsigned *columns);
/* Whether to colour standard output: it is a terminal and NO_COLOR is not set. */
bool tool_colour(void);

#endif
