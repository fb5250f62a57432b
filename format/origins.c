/*
 * origins.c - numbers for the origins of allocations
 */
#include "origins.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "modules.h"
#include "report.h"
#include "texts.h"
#include "tool.h"
#include "xmalloc.h"

struct open_span {
	uint32_t pid, tid, origin;
};

struct origins {
	enum origins_by by;
	const struct stacks *stacks;
	struct texts texts;		/* of packages, commands and spans */
	struct origin *at;
	uint32_t n;
	size_t cap;
	struct index index;
	uint32_t *of_stack;		/* + 1; 0: not looked up yet */
	size_t n_of_stack, cap_of_stack;
	struct open_span *open;		/* in the order they began */
	size_t n_open, cap_open;
	bool cached;			/* `last` is valid: the origin of the last event's process and thread */
	struct open_span last;
};

struct origins *origins_new(enum origins_by by, const struct stacks *stacks)
{
	struct origins *o = xcalloc(1, sizeof *o);

	o->by = by;
	o->stacks = stacks;
	return o;
}

void origins_free(struct origins *o)
{
	if (!o)
		return;
	texts_clear(&o->texts);
	index_clear(&o->index);
	free(o->at);
	free(o->of_stack);
	free(o->open);
	free(o);
}

const struct origin *origins_origin(const struct origins *o, uint32_t n)
{
	return &o->at[n];
}

/* ---------------------------------------------------------------- by content */

/* Equal texts are stored once, so they can be compared by address. A process is its pid, whatever its command. */
static bool holds(const void *origins, uint32_t n, const void *key)
{
	const struct origin *a = (const struct origin *)origins + n, *b = key;

	if (a->pid || b->pid)
		return a->pid == b->pid;
	return a->name == b->name && a->place == b->place && a->line == b->line && a->lang == b->lang;
}

static uint64_t hash_of(const struct origin *a)
{
	if (a->pid)
		return index_hash(a->pid, 0);
	return index_hash(index_hash((uintptr_t)a->name, (uintptr_t)a->place), (uint64_t)a->line << 8 | a->lang);
}

static uint32_t number_of(struct origins *o, const struct origin *a)
{
	uint32_t n = index_put(&o->index, hash_of(a), holds, o->at, a, o->n);

	if (n == o->n) {
		GROW(o->at, (size_t)n, o->cap);
		o->at[o->n++] = *a;
	}
	return n;
}

static uint32_t number_name(struct origins *o, const char *p, size_t n)
{
	return number_of(o, &(struct origin){ .name = texts_keep(&o->texts, p, n), .place = "" });
}

/* ---------------------------------------------------------------- by stack */

static const struct function *function_of(const struct origins *o, uint32_t stack)
{
	return stacks_function(o->stacks, stacks_frame(o->stacks, stacks_stack(o->stacks, stack)->frame)->function);
}

/* Returns the stack of the innermost Python frame, outside the standard library if `own`; 0 if there is none. */
static uint32_t find_python(const struct origins *o, uint32_t stack, bool own)
{
	for (; stack; stack = stacks_stack(o->stacks, stack)->parent) {
		const struct function *f = function_of(o, stack);
		if (f->lang == MT_LANG_PYTHON && !(own && modules_is_standard(f->file)))
			break;
	}
	return stack;
}

static uint32_t number_package(struct origins *o, uint32_t stack)
{
	uint32_t own = find_python(o, stack, true);
	char *root = modules_root(o->stacks);
	char *name = own ? modules_name(function_of(o, own)->file, root) : xstrdup("[none]");
	uint32_t n = number_name(o, name, strlen(name));

	free(root);
	free(name);
	return n;
}

static uint32_t number_place(struct origins *o, uint32_t stack)
{
	uint32_t python = find_python(o, stack, false), innermost = python ? python : stack;
	const struct function *f = function_of(o, innermost);
	const struct frame *frame = stacks_frame(o->stacks, stacks_stack(o->stacks, innermost)->frame);

	return number_of(o, &(struct origin){
		.name = f->name,
		.place = function_place(f),
		.line = o->by == ORIGINS_LINE && *f->file ? frame->line : 0,
		.lang = f->lang,
	});
}

uint32_t origins_of_stack(struct origins *o, uint32_t stack)
{
	while (stack >= o->n_of_stack) {
		GROW(o->of_stack, o->n_of_stack, o->cap_of_stack);
		o->of_stack[o->n_of_stack++] = 0;
	}
	if (!o->of_stack[stack])
		o->of_stack[stack] = 1 + (o->by == ORIGINS_PACKAGE ? number_package(o, stack) : number_place(o, stack));
	return o->of_stack[stack] - 1;
}

/* ---------------------------------------------------------------- by process and thread */

static uint32_t number_process(struct origins *o, uint32_t pid)
{
	return number_of(o, &(struct origin){ .name = "", .place = "", .pid = pid });
}

/* The last command of a process counts. */
static void take_process(struct origins *o, const struct mt_event *ev)
{
	char *command = mt_info_words(ev->info, "command");

	uint32_t n = number_process(o, ev->pid);

	if (command && *command)
		o->at[n].name = texts_keep(&o->texts, command, strlen(command));
	free(command);
}

/* The recorder's own spans are of all threads too. */
static bool is_phase(const char *name)
{
	return strcmp(name, "start-up") == 0 || strcmp(name, "script") == 0 || strcmp(name, "shutdown") == 0;
}

static uint32_t number_span(struct origins *o, const struct mt_event *ev)
{
	for (size_t i = o->n_open; i-- > 0;)
		if (o->open[i].pid == ev->pid && o->open[i].tid == ev->tid)
			return o->open[i].origin;
	for (size_t i = o->n_open; i-- > 0;)
		if (o->open[i].pid == ev->pid && o->open[i].tid == 0 && !is_phase(o->at[o->open[i].origin].name))
			return o->open[i].origin;
	return number_name(o, ORIGINS_NO_SPAN, strlen(ORIGINS_NO_SPAN));
}

/* Removes the last open span of that thread with this name. */
static void end_span(struct origins *o, const struct open_span *span)
{
	for (size_t i = o->n_open; i-- > 0;)
		if (memcmp(&o->open[i], span, sizeof *span) == 0) {
			o->n_open--;
			memmove(&o->open[i], &o->open[i + 1], (o->n_open - i) * sizeof *o->open);
			return;
		}
}

static void take_span(struct origins *o, const struct mt_event *ev)
{
	struct open_span span = { ev->pid, ev->tid, number_name(o, ev->name.p, ev->name.n) };

	if (!ev->count) {
		end_span(o, &span);
		return;
	}
	GROW(o->open, o->n_open, o->cap_open);
	o->open[o->n_open++] = span;
}

static void end_spans_of(struct origins *o, uint32_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_open; i++)
		if (o->open[i].pid != pid)
			o->open[n++] = o->open[i];
	o->n_open = n;
}

void origins_take(struct origins *o, const struct mt_event *ev)
{
	if (ev->kind == MT_PROCESS && o->by == ORIGINS_PROCESS)
		take_process(o, ev);
	if (o->by != ORIGINS_SPAN)
		return;
	if (ev->kind == MT_SPAN)
		take_span(o, ev);
	else if (ev->kind == MT_EXIT)
		end_spans_of(o, ev->pid);
	else if (ev->kind == MT_HEADER)
		o->n_open = 0;
	else
		return;
	o->cached = false;
}

static uint32_t number_event(struct origins *o, const struct mt_event *ev)
{
	if (!o->cached || o->last.pid != ev->pid || o->last.tid != ev->tid)
		o->last = (struct open_span){
			ev->pid, ev->tid, o->by == ORIGINS_SPAN ? number_span(o, ev) : number_process(o, ev->pid),
		};
	o->cached = true;
	return o->last.origin;
}

uint32_t origins_number(struct origins *o, const struct mt_event *ev)
{
	if (o->by == ORIGINS_PROCESS || o->by == ORIGINS_SPAN)
		return number_event(o, ev);
	return origins_of_stack(o, stacks_number(o->stacks, ev->stack));
}

/* ---------------------------------------------------------------- names */

static const char *const names[] = {
	[ORIGINS_LINE] = "line", [ORIGINS_FUNCTION] = "function", [ORIGINS_PACKAGE] = "package",
	[ORIGINS_PROCESS] = "process", [ORIGINS_SPAN] = "span",
};

const char *origins_by_name(enum origins_by by)
{
	return names[by];
}

enum origins_by origins_parse(const char *text, const char *option)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum origins_by)i;
	usage_die("%s: '%s' is not line, function, package, process or span", option, text);
}

char *origins_text(const struct origins *o, uint32_t n)
{
	const struct origin *a = &o->at[n];

	if (o->by == ORIGINS_LINE || o->by == ORIGINS_FUNCTION)
		return report_location(a->name, a->place, a->line, a->lang == MT_LANG_NATIVE);
	char *name = tool_printable(a->name);
	if (o->by != ORIGINS_PROCESS)
		return name;
	char *text = xasprintf("%u%s%s", a->pid, *name ? " " : "", name);
	free(name);
	return text;
}
