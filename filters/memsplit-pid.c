/*
 * memsplit-pid.c - split a trace into one per process
 *
 * In:    a trace (standard input or files)
 * Out:   a trace for each process, named by --output: %p becomes its pid, %n
 *        the number of the file; a second process of one pid gets a suffix
 * Keeps: the trace's stacks and lines of source code; the stacks that each process used, until it ends; a few
 *        bytes per pid; with --list the live blocks (live.h)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "define.h"
#include "ending.h"
#include "error.h"
#include "fit.h"
#include "pids.h"
#include "replay.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "output", 'o', "NAME", "file name of the traces: %p is the pid, %n a number from 1 (default: trace.%p.lz4)" },
	{ "force", 'f', NULL, "overwrite existing files" },
	{ "list", 'l', NULL, "print each trace's file name, and its process's parent, peak, allocations and command" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memsplit-pid",
	.summary = "split a trace into one per process",
	.title = "one process",
	.operands = "[TRACE...]",
	.example = "memsplit-pid -o 't.%p.lz4' trace.lz4",
	.options = options,
};

struct part {
	uint32_t pid;
	int fd;
	char *name;
	uint32_t ppid;		/* 0 = not known */
	char *command;		/* as --list shows it; "" = not known */
	struct high_water water;	/* for --list, as the next is */
	uint64_t allocations;
	struct mt_out *out;
	struct define define;
	bool executed;		/* it executed another program, and continues as the same process */
};

struct split {
	const char *template;
	bool force, list;
	char **argv;
	struct mt_in *in;
	struct stacks *stacks;
	struct sources *sources;
	struct part *parts;	/* for the processes that have not ended */
	size_t n_parts, cap_parts;
	unsigned n_files;
	struct pids places;	/* of the parts */
	struct pids files;	/* the number of files of each pid */
	uint64_t end_ms;
	bool failed;
	struct replay replay;	/* for --list */
	struct ending ending;
};

/* ---------------------------------------------------------------- names */

/* Returns the template with %p and %n replaced; the caller frees it. A reused pid is followed by .2, .3, … */
static char *make_name(const struct split *s, uint32_t pid, unsigned nth)
{
	char *name = NULL;
	size_t n = 0;
	FILE *to = xmemstream(&name, &n);
	for (const char *p = s->template; *p; p++) {
		if (p[0] == '%' && p[1] == 'p') {
			fprintf(to, nth > 1 ? "%u.%u" : "%u", pid, nth);
			p++;
		} else if (p[0] == '%' && p[1] == 'n') {
			fprintf(to, "%u", s->n_files + 1);
			p++;
		} else if (p[0] == '%' && p[1] == '%') {
			putc(*p++, to);
		} else {
			putc(*p, to);
		}
	}
	xmemstream_close(to, &name);
	return name;
}

/* Rejects a template that gives every process the same name. */
static void check_template(const char *template)
{
	const char *p = strchr(template, '%');
	for (; p && p[1] == '%'; p = strchr(p + 2, '%'))
		;
	if (!p || (p[1] != 'p' && p[1] != 'n'))
		usage_die("--output: '%s' has neither %%p (the pid) nor %%n (a number) in it", template);
}

/* ---------------------------------------------------------------- parts */

static struct part *part_new(struct split *s, uint32_t pid)
{
	uint32_t *n = pids_number(&s->files, pid);
	*n = *n == PIDS_NONE ? 1 : *n + 1;
	GROW(s->parts, s->n_parts, s->cap_parts);
	struct part *p = &s->parts[s->n_parts++];
	*p = (struct part){ .pid = pid, .name = make_name(s, pid, *n), .command = xstrdup("") };
	s->n_files++;
	p->fd = open(p->name, O_WRONLY | O_CREAT | O_CLOEXEC | (s->force ? O_TRUNC : O_EXCL), 0600);
	if (p->fd < 0 && errno == EEXIST)
		die("%s: file exists: choose another --output, or overwrite it with -f", p->name);
	if (p->fd < 0)
		die("%s: %s", p->name, strerror(errno));
	p->out = mt_create(p->fd, p->name, MT_AUTO);
	if (!p->out)
		die("out of memory");
	mt_out_stage(p->out, tool_stage(&tool, s->argv));
	mt_put_header(p->out, mt_in_header(s->in));
	p->define = (struct define){ .out = p->out, .known = stacks_new(), .from = s->stacks,
				     .sources = s->sources };
	return p;
}

static struct part *find_part(struct split *s, uint32_t pid)
{
	uint32_t n = *pids_number(&s->places, pid);
	return n == PIDS_NONE ? NULL : &s->parts[n];
}

static struct part *part_of(struct split *s, uint32_t pid)
{
	struct part *p = find_part(s, pid);
	if (p)
		return p;
	*pids_number(&s->places, pid) = (uint32_t)s->n_parts;
	return part_new(s, pid);
}

/* Fields between tabs; on a terminal columns, below print_heading()'s. */
static void print_part(const struct part *p)
{
	char *name = tool_printable(p->name), *command = tool_printable(p->command);
	char peak[SIZE_TEXT], allocations[28];
	unsigned lines, columns;
	bool terminal = tool_terminal(&lines, &columns);
	int used = printf(terminal ? "%-18s %8u %9s %11s  " : "%s\t%u\t%s\t%s\t", name, (unsigned)p->ppid,
			  size_text(p->water.max.bytes, peak), count_text(p->allocations, allocations));
	if (terminal) {
		char *shown = fit(command, columns > (unsigned)used ? columns - (unsigned)used : 1);
		puts(shown);
		free(shown);
	} else {
		puts(command);
	}
	free(name);
	free(command);
}

static void print_heading(void)
{
	unsigned lines, columns;
	if (tool_terminal(&lines, &columns))
		printf("%-18s %8s %9s %11s  %s\n", "Trace", "Parent", "Peak", "Allocations", "Command");
}

/* Closes a part. whole: the trace is complete, so the part gets an end row. */
static void part_end(struct split *s, struct part *p, bool whole)
{
	struct mt_event end = { .kind = MT_END, .time_ms = s->end_ms };
	char *why = NULL;
	if (whole)
		mt_put(p->out, &end);
	if (mt_close(p->out, &why) < 0) {
		warn("%s", why ? why : "out of memory");
		s->failed = true;
	}
	if (s->list)
		print_part(p);
	free(why);
	close(p->fd);
	free(p->name);
	free(p->command);
	stacks_free(p->define.known);
	define_clear(&p->define);
	*pids_number(&s->places, p->pid) = PIDS_NONE;
	*p = s->parts[--s->n_parts];		/* the last part takes its place in the array */
	if (p < &s->parts[s->n_parts])
		*pids_number(&s->places, p->pid) = (uint32_t)(p - s->parts);
}

/* ---------------------------------------------------------------- amounts for --list */

static void take_away(struct split *s, const struct share *gone)
{
	struct part *p = find_part(s, gone->pid);
	if (p)
		high_water_sub(&p->water, gone->amount);
}

static void count_block(struct split *s, const struct mt_event *ev)
{
	bool counted = mt_is_memory(ev->allocator) || mt_header_counts_mappings(mt_in_header(s->in));
	struct part *p = part_of(s, ev->pid);
	struct share old;
	if (!counted || ending_has(&s->ending, ev->pid)) {
		if (replay_close(&s->replay, ev->id, &old))
			take_away(s, &old);
	} else {
		if (replay_open(&s->replay, ev, 0, &old))
			take_away(s, &old);
		high_water_add(&p->water, amount_of(ev->size, ev->weight));
	}
	if (counted)
		amount_sum(&p->allocations, ev->weight);
}

static void watch(struct split *s, const struct mt_event *ev)
{
	struct share gone;
	switch (ev->kind) {
	case MT_ALLOC:
		count_block(s, ev);
		break;
	case MT_FREE:
		if (replay_close(&s->replay, ev->id, &gone))
			take_away(s, &gone);
		break;
	case MT_RESIZE:
		if (replay_resize(&s->replay, ev, &gone))
			take_away(s, &gone);
		break;
	case MT_PROCESS:
		ending_take(&s->ending, ev);
		break;
	case MT_EXIT:
		ending_take(&s->ending, ev);
		for (size_t cursor = 0; replay_exit(&s->replay, ev->pid, &cursor, &gone);)
			take_away(s, &gone);
		break;
	default:
		break;
	}
}

static void watch_trace(struct split *s)
{
	replay_begin(&s->replay, mt_in_header(s->in));
	ending_begin(&s->ending, mt_in_header(s->in));
}

/* ---------------------------------------------------------------- events */

static void note_process(struct part *p, const struct mt_event *ev)
{
	p->ppid = (uint32_t)mt_info_int(ev->info, "ppid", p->ppid);
	struct mt_str exe = mt_info_text(ev->info, "executable");
	char *command = mt_info_words(ev->info, "command");
	if (!command && errno == ENOMEM)
		die("out of memory");
	if (!command && exe.n > 0)
		command = xasprintf("%.*s", (int)exe.n, exe.p);
	if (!command)
		return;		/* the row is about something else */
	free(p->command);
	p->command = command;
}

static void take(struct split *s, struct mt_event *ev)
{
	struct part *p;
	if (ev->time_ms > s->end_ms)
		s->end_ms = ev->time_ms;
	if (s->list)
		watch(s, ev);
	switch (ev->kind) {
	case MT_ALLOC:
		p = part_of(s, ev->pid);
		ev->stack = define_copy(&p->define, stacks_number(s->stacks, ev->stack));
		mt_put(p->out, ev);
		return;
	case MT_PROCESS:
		p = part_of(s, ev->pid);
		note_process(p, ev);
		p->executed = false;
		mt_put(p->out, ev);
		return;
	case MT_EXIT:
		p = part_of(s, ev->pid);
		mt_put(p->out, ev);
		p->executed = replay_is_exec(ev);
		if (!p->executed)
			part_end(s, p, true);
		return;
	case MT_END:
		while (s->n_parts)
			part_end(s, &s->parts[s->n_parts - 1], true);
		return;
	case MT_HEADER:
		while (s->n_parts)
			part_end(s, &s->parts[s->n_parts - 1], false);
		stacks_take(s->stacks, ev);
		watch_trace(s);
		return;
	case MT_OTHER:	/* its process is unknown: it goes to all */
		for (size_t i = 0; i < s->n_parts; i++)
			mt_put(s->parts[i].out, ev);
		return;
	default:
		if (mt_kind_has_pid(ev->kind))
			mt_put(part_of(s, ev->pid)->out, ev);
		else if (ev->kind == MT_SOURCE)
			sources_take(s->sources, ev);
		else
			stacks_take(s->stacks, ev);
	}
}

int main(int argc, char **argv)
{
	struct split s = { .template = "trace.%p.lz4", .argv = argv, .stacks = stacks_new(),
			   .sources = sources_new() };
	for (int c; (c = tool_getopt(&tool, argc, argv)) != -1;)
		switch (c) {
		case 'o': s.template = optarg; break;
		case 'f': s.force = true; break;
		case 'l': s.list = true; break;
		}
	check_template(s.template);
	s.in = tool_input(argc, argv);
	watch_trace(&s);
	if (s.list)
		print_heading();
	struct mt_event ev;
	while (mt_next(s.in, &ev) > 0)
		take(&s, &ev);
	/* If the trace was cut off, so are these parts. */
	while (s.n_parts)
		part_end(&s, &s.parts[s.n_parts - 1], false);
	free(s.parts);
	pids_clear(&s.places);
	pids_clear(&s.files);
	stacks_free(s.stacks);
	sources_free(s.sources);
	replay_clear(&s.replay);
	ending_clear(&s.ending);
	int status = tool_finish(s.in, NULL);
	return s.failed ? 1 : status;
}
