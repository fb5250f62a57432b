/*
 * view.c - how a report shows stacks: without the import system, without C frames, by file or by package
 */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "modules.h"
#include "tool.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- options */

static bool parse_how(const char *text)
{
	if (strcmp(text, "hide") != 0 && strcmp(text, "show") != 0)
		usage_die("--imports: '%s' is neither hide nor show", text);
	return text[0] == 'h';
}

static enum view_by parse_by(const char *text)
{
	static const char *const names[] = {
		[VIEW_FUNCTION] = "function", [VIEW_FILE] = "file", [VIEW_PACKAGE] = "package",
		[VIEW_TYPE] = "type",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum view_by)i;
	usage_die("--by: '%s' is not function, file, package or type", text);
}

/* --imports was given, so the terminal does not decide */
static bool told;

void view_option(struct view *v, int key)
{
	switch (key) {
	case KEY_IMPORTS:
		v->hide_imports = parse_how(optarg);
		told = true;
		break;
	case KEY_PYTHON:
		v->python = true;
		break;
	case KEY_BY:
		v->by = parse_by(optarg);
		break;
	}
}

void view_begin(struct view *v, bool all)
{
	unsigned lines, columns;

	if (!told)
		v->hide_imports = !all && tool_terminal(&lines, &columns);
}

/* ---------------------------------------------------------------- frames */

static const struct function *function_of(const struct stacks *s, uint32_t stack)
{
	return stacks_function(s, stacks_frame(s, stacks_stack(s, stack)->frame)->function);
}

static bool is_python(const struct function *f)
{
	return f->lang == MT_LANG_PYTHON && !function_is_label(f);
}

static bool is_import(const struct view *v, const struct function *f)
{
	return v->hide_imports && file_is_import_system(f->file, strlen(f->file));
}

uint32_t view_frame(const struct view *v, const struct stacks *s, uint32_t stack)
{
	uint32_t shown = 0;

	if (!v->hide_imports && !v->python)
		return stacks_stack(s, stack)->frame;
	for (uint32_t at = stack; at; at = stacks_stack(s, at)->parent) {
		const struct function *f = function_of(s, at);
		if (is_import(v, f))
			continue;
		if (!shown)
			shown = at;
		if (!v->python || is_python(f) || function_is_label(f))
			return stacks_stack(s, at)->frame;
	}
	return stacks_stack(s, shown ? shown : stack)->frame;
}

/* ---------------------------------------------------------------- stacks */

struct making {
	const struct view *v;
	const struct stacks *from;
	struct stacks *to;
	char *root;		/* the folder of the program's own modules */
	uint32_t *shown;	/* per old stack, the new one; 0: none of its frames is shown */
	bool *has_python;	/* per old stack: it has a Python frame */
};

static struct mt_str text(const char *p)
{
	return (struct mt_str){ p, strlen(p) };
}

/* Whether several functions become one. */
static bool in_groups(const struct view *v)
{
	return v->by == VIEW_FILE || v->by == VIEW_PACKAGE;
}

/* Returns the function for a file or a package. */
static uint32_t add_group(struct making *m, const struct function *f)
{
	char *package = m->v->by == VIEW_PACKAGE ? modules_name(f->file, m->root) : NULL;
	const char *place = function_place(f);
	const char *name = m->v->by == VIEW_FILE || !*f->file ? place : package;
	struct mt_event ev = { .name = text(*name ? name : "[unknown]"), .file = text(""), .module = text("") };
	uint32_t number = stacks_add_function(m->to, &ev);

	free(package);
	return number;
}

static uint32_t add_frame(struct making *m, const struct function *f, uint32_t line)
{
	bool whole = !in_groups(m->v) || function_is_label(f);
	struct mt_event ev = function_event(f);

	return whole ? stacks_add_frame(m->to, stacks_add_function(m->to, &ev), line)
		     : stacks_add_frame(m->to, add_group(m, f), 0);
}

/* Returns whether a frame is redundant: a file that calls itself. */
static bool repeats(const struct making *m, uint32_t parent, uint32_t frame)
{
	return in_groups(m->v) && parent && stacks_stack(m->to, parent)->frame == frame;
}

static uint32_t show(struct making *m, uint32_t old, uint32_t parent, bool above)
{
	const struct frame *frame = stacks_frame(m->from, stacks_stack(m->from, old)->frame);
	const struct function *f = stacks_function(m->from, frame->function);

	if (is_import(m->v, f) || (m->v->python && above && function_is_native(f)))
		return parent;
	uint32_t new = add_frame(m, f, frame->line);
	return repeats(m, parent, new) ? parent : stacks_add_stack(m->to, parent, new);
}

/* Parents have smaller numbers. */
static void show_all(struct making *m)
{
	for (uint32_t i = 1; i < stacks_count(m->from); i++) {
		uint32_t parent = stacks_stack(m->from, i)->parent, above = m->shown[parent];
		bool python = is_python(function_of(m->from, i));
		/* The first Python frame: the C frames that run the interpreter are hidden. */
		if (m->v->python && python && !m->has_python[parent])
			above = 0;
		m->shown[i] = show(m, i, above, m->has_python[parent]);
		m->has_python[i] = m->has_python[parent] || python;
	}
}

/* For a stack without a frame to show: its innermost frame. */
static uint32_t innermost(struct making *m, uint32_t old)
{
	const struct frame *frame = stacks_frame(m->from, stacks_stack(m->from, old)->frame);

	return stacks_add_stack(m->to, 0, add_frame(m, stacks_function(m->from, frame->function), frame->line));
}

struct tally view_make(const struct view *v, const struct tally *t)
{
	if (!v->hide_imports && !v->python && !in_groups(v))
		return *t;
	struct making m = {
		.v = v,
		.from = t->stacks,
		.to = stacks_new(),
		.root = modules_root(t->stacks),
		.shown = xcalloc(stacks_count(t->stacks) + 1, sizeof *m.shown),
		.has_python = xcalloc(stacks_count(t->stacks) + 1, sizeof *m.has_python),
	};
	struct tally shown = *t;

	show_all(&m);
	for (uint32_t i = 1; i < t->n; i++)
		if (!m.shown[i] && t->at[i].count)
			m.shown[i] = innermost(&m, i);
	shown.stacks = m.to;
	shown.n = stacks_count(m.to);
	shown.at = xcalloc(shown.n, sizeof *shown.at);
	for (uint32_t i = 0; i < t->n; i++)
		amount_add(&shown.at[m.shown[i]], t->at[i]);
	free(m.root);
	free(m.shown);
	free(m.has_python);
	return shown;
}

void view_clear(struct tally *shown, const struct tally *t)
{
	if (shown->stacks == t->stacks)
		return;
	stacks_free(shown->stacks);
	free(shown->at);
}
