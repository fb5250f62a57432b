/*
 * mem2speedscope.c - convert a trace to a file for speedscope
 *
 * In:     a trace (stdin or files)
 * Out:    JSON: the frames, and two profiles (bytes, allocations) of the whole,
 *         or of each thread or process, the largest first
 * Keeps:  the live set, the stacks, the amounts of each stack and group
 * Source: https://www.speedscope.app/file-format-schema.json
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "index.h"
#include "origins.h"
#include "report.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "by", 'b', "WHAT", "write two profiles for each thread or process" },
	{ "leaks", 'l', NULL, "report memory that was never freed, not the high-water mark" },
	{ "total", 't', NULL, "report everything ever allocated, not the high-water mark" },
	{ "output", 'o', "FILE", "write to FILE instead of standard output" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "mem2speedscope",
	.summary = "convert a trace to a file for speedscope",
	.operands = "[TRACE...]",
	.example = "mem2speedscope trace.lz4 > trace.speedscope.json",
	.options = options,
};

enum by { BY_NOTHING, BY_THREAD, BY_PROCESS };

struct sample {
	uint32_t group, stack;	/* group: the number of a thread, or of a process's origin */
};

struct group {
	uint32_t number, first, n;	/* its samples in `order` */
	struct amount amount;
};

struct profiles {
	enum by by;
	struct sample *samples;
	uint32_t n;
	size_t cap;
	struct index index;
	struct origins *processes;
	const struct tally *tally;
	uint32_t *order;	/* the samples by group */
	struct group *groups;
	uint32_t n_groups;
	uint32_t *id_of;	/* by frame: its number in the file, from 1; 0: not used */
};

/* ---------------------------------------------------------------- reading */

static bool holds(const void *samples, uint32_t n, const void *key)
{
	const struct sample *a = (const struct sample *)samples + n, *b = key;

	return a->group == b->group && a->stack == b->stack;
}

static uint32_t number_sample(void *profiles, const struct tally *t, const struct mt_event *ev)
{
	struct profiles *p = profiles;
	struct sample key = { .stack = stacks_number(t->stacks, ev->stack) };

	if (p->by == BY_THREAD)
		key.group = threads_number(t->threads, ev->pid, ev->tid);
	else if (p->by == BY_PROCESS)
		key.group = origins_number(p->processes, ev);
	uint32_t n = index_put(&p->index, index_hash(key.group, key.stack), holds, p->samples, &key, p->n);
	if (n == p->n) {
		GROW(p->samples, (size_t)n, p->cap);
		p->samples[p->n++] = key;
	}
	return n;
}

static void take(void *profiles, const struct mt_event *ev)
{
	origins_take(((struct profiles *)profiles)->processes, ev);
}

/* ---------------------------------------------------------------- groups */

static int by_group_and_stack(const void *a, const void *b, void *profiles)
{
	const struct sample *samples = ((const struct profiles *)profiles)->samples;
	const struct sample *x = &samples[*(const uint32_t *)a], *y = &samples[*(const uint32_t *)b];

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

static int by_bytes(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->amount.bytes != y->amount.bytes)
		return x->amount.bytes > y->amount.bytes ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void find_groups(struct profiles *p)
{
	uint32_t n = 0;

	p->order = xcalloc(p->n + 1, sizeof *p->order);
	p->groups = xcalloc(p->n + 1, sizeof *p->groups);
	/* The tally may have fewer keys than there are samples. */
	for (uint32_t i = 0; i < p->tally->n; i++)
		if (p->tally->at[i].count)
			p->order[n++] = i;
	qsort_r(p->order, n, sizeof *p->order, by_group_and_stack, p);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = p->samples[p->order[i]].group;
		if (p->n_groups == 0 || p->groups[p->n_groups - 1].number != number)
			p->groups[p->n_groups++] = (struct group){ .number = number, .first = i };
		struct group *g = &p->groups[p->n_groups - 1];
		g->n++;
		amount_add(&g->amount, p->tally->at[p->order[i]]);
	}
	qsort(p->groups, p->n_groups, sizeof *p->groups, by_bytes);
}

static char *group_name(const struct profiles *p, const struct group *g)
{
	if (p->by == BY_NOTHING)
		return xstrdup("");
	if (p->by == BY_PROCESS)
		return origins_text(p->processes, g->number);
	const struct thread *t = threads_thread(p->tally->threads, g->number);
	char *text = xasprintf("%s%s%" PRIu32 "/%" PRIu32, t->name, *t->name ? " " : "", t->pid, t->tid);
	char *name = tool_printable(text);
	free(text);
	return name;
}

/* ---------------------------------------------------------------- writing */

static void print_frame(const struct stacks *s, uint32_t n, bool first)
{
	const struct frame *f = stacks_frame(s, n);
	const struct function *function = stacks_function(s, f->function);
	const char *place = function_place(function);

	printf("%s\n{", first ? "" : ",");
	report_json_text("name", *function->name ? function->name : "[unknown]");
	if (*place) {
		putchar(',');
		report_json_text("file", place);
	}
	if (f->line)
		printf(",\"line\":%" PRIu32, f->line);
	putchar('}');
}

static void print_frames(struct profiles *p)
{
	const struct stacks *s = p->tally->stacks;
	uint32_t n = 0;

	p->id_of = xcalloc(stacks_frame_count(s), sizeof *p->id_of);
	for (uint32_t i = 0; i < p->n_groups; i++)
		for (uint32_t j = 0; j < p->groups[i].n; j++) {
			uint32_t stack = p->samples[p->order[p->groups[i].first + j]].stack;
			do {
				uint32_t frame = stacks_stack(s, stack)->frame;
				if (!p->id_of[frame]) {
					print_frame(s, frame, n == 0);
					p->id_of[frame] = ++n;
				}
				stack = stacks_stack(s, stack)->parent;
			} while (stack);
		}
}

/* Outermost first. An unknown stack becomes one unknown frame. */
static void print_stack(const struct profiles *p, uint32_t stack, uint32_t *frames)
{
	const struct stacks *s = p->tally->stacks;
	uint32_t n = 0;

	do {
		frames[n++] = p->id_of[stacks_stack(s, stack)->frame] - 1;
		stack = stacks_stack(s, stack)->parent;
	} while (stack);
	for (putchar('['); n-- > 0;)
		printf("%" PRIu32 "%s", frames[n], n ? "," : "]");
}

static void print_profile(const struct profiles *p, const struct group *g, bool count, uint32_t *frames)
{
	char *group = group_name(p, g);
	char *name = xasprintf("%s%s%s", count ? "allocations" : "bytes", *group ? ": " : "", group);

	printf("\n{\"type\":\"sampled\",");
	report_json_text("name", name);
	printf(",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%" PRIu64 ",\n\"samples\":[",
	       count ? "none" : "bytes", count ? g->amount.count : g->amount.bytes);
	for (uint32_t i = 0; i < g->n; i++) {
		printf("%s", i ? "," : "");
		print_stack(p, p->samples[p->order[g->first + i]].stack, frames);
	}
	printf("],\n\"weights\":[");
	for (uint32_t i = 0; i < g->n; i++) {
		struct amount a = p->tally->at[p->order[g->first + i]];
		printf("%s%" PRIu64, i ? "," : "", count ? a.count : a.bytes);
	}
	printf("]}");
	free(group);
	free(name);
}

static uint32_t deepest(const struct stacks *s)
{
	uint32_t depth = 1;

	for (uint32_t i = 0; i < stacks_count(s); i++)
		if (stacks_stack(s, i)->depth > depth)
			depth = stacks_stack(s, i)->depth;
	return depth;
}

static void print_file(struct profiles *p)
{
	char *total = p->tally->sample_bytes ? report_total(p->tally) : xstrdup("");
	char *name = xasprintf("%s: %s%s%s", p->tally->command, p->tally->title, *total ? ": " : "", total);
	uint32_t *frames = xcalloc(deepest(p->tally->stacks), sizeof *frames);
	/* speedscope requires at least one profile. */
	struct group nothing = { .n = 0 };

	find_groups(p);
	printf("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",");
	printf("\"exporter\":\"memrec@" MEMREC_VERSION "\",\n");
	report_json_text("name", name);
	printf(",\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[");
	print_frames(p);
	printf("]},\n\"profiles\":[");
	for (uint32_t i = 0; i < p->n_groups; i++) {
		print_profile(p, &p->groups[i], false, frames);
		putchar(',');
		print_profile(p, &p->groups[i], true, frames);
		if (i + 1 < p->n_groups)
			putchar(',');
	}
	if (p->n_groups == 0)
		print_profile(p, &nothing, false, frames);
	printf("]}\n");
	free(total);
	free(name);
	free(frames);
}

static enum by parse_by(const char *text)
{
	if (strcmp(text, "thread") == 0)
		return BY_THREAD;
	if (strcmp(text, "process") == 0)
		return BY_PROCESS;
	usage_die("--by: '%s' is not thread or process", text);
}

int main(int argc, char **argv)
{
	struct profiles p = { .by = BY_NOTHING };
	enum tally_what what = TALLY_PEAK;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1;)
		switch (key) {
		case 'b': p.by = parse_by(optarg); break;
		case 'l': tally_choose(&what, TALLY_LEAKS); break;
		case 't': tally_choose(&what, TALLY_TOTAL); break;
		case 'o': tool_open_output(optarg); break;
		}
	if (isatty(STDOUT_FILENO))
		usage_die("the output is a file for speedscope: append '> FILE', or use -o FILE");
	struct mt_in *in = tool_input(argc, argv);
	p.processes = origins_new(ORIGINS_PROCESS, NULL);
	struct tally *t = tally_read_more(in, what, &(struct tally_by){
		.key = number_sample, .take = take, .arg = &p,
	});
	p.tally = t;
	print_file(&p);
	free(p.id_of);
	free(p.groups);
	free(p.order);
	free(p.samples);
	index_clear(&p.index);
	origins_free(p.processes);
	tally_free(t);
	return tool_finish(in, NULL);
}
