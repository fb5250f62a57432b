/*
 * stacks.c - functions, frames and stacks of a trace, by content
 *
 * There are tables of texts, functions, frames and stacks. Each refers to the
 * one before it by number or address, so that equal content has equal numbers.
 * An index of each table finds existing entries.
 */
#include "stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "texts.h"
#include "utf8.h"
#include "xmalloc.h"

#define NEAR 4		/* stacks with one caller that are searched one by one before the index */

/* Maps a trace's numbers to ours. */
struct map {
	uint32_t *to;
	size_t n, cap;
};

struct stacks {
	struct texts texts;
	struct function *functions;
	struct frame *frames;
	struct stack *stacks;
	uint32_t n_functions, n_frames, n_stacks;
	size_t cap_functions, cap_frames, cap_stacks;
	struct index function_index, frame_index, stack_index;
	struct map function_map, frame_map, stack_map;
	char *label;
	size_t label_cap;
};

/* ---------------------------------------------------------------- entries */

static uint64_t pointer_bits(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Equal texts are stored once, so they can be compared by address. */
static uint64_t function_hash(const struct function *f)
{
	uint64_t h = index_hash(pointer_bits(f->name), pointer_bits(f->file));

	return index_hash(index_hash(h, pointer_bits(f->module)), (uint64_t)f->line << 8 | f->lang);
}

static bool function_is(const void *functions, uint32_t n, const void *key)
{
	const struct function *f = (const struct function *)functions + n, *g = key;

	return f->name == g->name && f->file == g->file && f->module == g->module && f->line == g->line &&
	       f->lang == g->lang;
}

uint32_t stacks_add_function(struct stacks *s, const struct mt_event *ev)
{
	struct function f = {
		.name = texts_keep(&s->texts, ev->name.p, ev->name.n),
		.file = texts_keep(&s->texts, ev->file.p, ev->file.n),
		.module = texts_keep(&s->texts, ev->module.p, ev->module.n),
		.line = ev->line,
		.lang = ev->lang,
	};
	uint32_t n = index_put(&s->function_index, function_hash(&f), function_is, s->functions, &f, s->n_functions);

	if (n == s->n_functions) {
		GROW(s->functions, (size_t)n, s->cap_functions);
		s->functions[s->n_functions++] = f;
	}
	return n;
}

static bool frame_is(const void *frames, uint32_t n, const void *key)
{
	const struct frame *f = (const struct frame *)frames + n, *g = key;

	return f->function == g->function && f->line == g->line;
}

uint32_t stacks_add_frame(struct stacks *s, uint32_t function, uint32_t line)
{
	struct frame f = { .function = function, .line = line };
	uint32_t n = index_put(&s->frame_index, index_hash(function, line), frame_is, s->frames, &f, s->n_frames);

	if (n == s->n_frames) {
		GROW(s->frames, (size_t)n, s->cap_frames);
		s->frames[s->n_frames++] = f;
	}
	return n;
}

static uint64_t stack_hash(const struct stack *stack)
{
	return index_hash(stack->parent, stack->frame);
}

static bool stack_is(const void *stacks, uint32_t n, const void *key)
{
	const struct stack *a = (const struct stack *)stacks + n, *b = key;

	return a->parent == b->parent && a->frame == b->frame;
}

/*
 * Most stacks have a parent that is new itself, or that has few other children:
 * searching the NEAR youngest children of the parent finds them. The older
 * children are in the index; each enters it when it is no longer one of the NEAR.
 */
uint32_t stacks_add_stack(struct stacks *s, uint32_t parent, uint32_t frame)
{
	uint32_t new = s->n_stacks, n = s->stacks[parent].youngest, last = 0;
	size_t near = 0;

	for (; n && near < NEAR; n = s->stacks[n].elder, near++) {
		if (s->stacks[n].frame == frame)
			return n;
		last = n;
	}
	struct stack stack = {
		.parent = parent,
		.frame = frame,
		.depth = s->stacks[parent].depth + 1,
		.elder = s->stacks[parent].youngest,
	};
	if (n && (n = index_find(&s->stack_index, stack_hash(&stack), stack_is, s->stacks, &stack)) != INDEX_NONE)
		return n;
	if (near == NEAR)
		index_put(&s->stack_index, stack_hash(&s->stacks[last]), stack_is, s->stacks, &s->stacks[last], last);
	GROW(s->stacks, (size_t)new, s->cap_stacks);
	s->stacks[new] = stack;
	s->stacks[parent].youngest = new;
	return s->n_stacks++;
}

/* ---------------------------------------------------------------- numbers of a trace */

static uint32_t map_at(const struct map *m, uint32_t from)
{
	return from < m->n ? m->to[from] : 0;
}

/* The reader accepts only consecutive numbers, so a map is never longer than the number of definitions. */
static void map_set(struct map *m, uint32_t from, uint32_t to)
{
	GROW(m->to, (size_t)from, m->cap);
	while (m->n <= from)
		m->to[m->n++] = 0;
	m->to[from] = to;
}

static void map_free(struct map *m)
{
	free(m->to);
	*m = (struct map){ 0 };
}

struct stacks *stacks_new(void)
{
	struct stacks *s = xcalloc(1, sizeof *s);

	GROW(s->functions, (size_t)0, s->cap_functions);
	GROW(s->frames, (size_t)0, s->cap_frames);
	GROW(s->stacks, (size_t)0, s->cap_stacks);
	s->functions[0] = (struct function){ .name = "", .file = "", .module = "" };
	s->frames[0] = (struct frame){ 0 };
	s->stacks[0] = (struct stack){ 0 };
	s->n_functions = s->n_frames = s->n_stacks = 1;
	return s;
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	texts_clear(&s->texts);
	map_free(&s->function_map);
	map_free(&s->frame_map);
	map_free(&s->stack_map);
	index_clear(&s->function_index);
	index_clear(&s->frame_index);
	index_clear(&s->stack_index);
	free(s->functions);
	free(s->frames);
	free(s->stacks);
	free(s->label);
	free(s);
}

void stacks_take(struct stacks *s, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_FUNCTION:
		map_set(&s->function_map, ev->function, stacks_add_function(s, ev));
		break;
	case MT_FRAME:
		map_set(&s->frame_map, ev->frame,
			stacks_add_frame(s, map_at(&s->function_map, ev->function), ev->line));
		break;
	case MT_STACK:
		map_set(&s->stack_map, ev->stack,
			stacks_add_stack(s, map_at(&s->stack_map, ev->parent), map_at(&s->frame_map, ev->frame)));
		break;
	case MT_HEADER:
		s->function_map.n = s->frame_map.n = s->stack_map.n = 0;
		break;
	default:
		break;
	}
}

uint32_t stacks_number(const struct stacks *s, uint32_t stack)
{
	return map_at(&s->stack_map, stack);
}

uint32_t stacks_count(const struct stacks *s)
{
	return s->n_stacks;
}

uint32_t stacks_frame_count(const struct stacks *s)
{
	return s->n_frames;
}

uint32_t stacks_function_count(const struct stacks *s)
{
	return s->n_functions;
}

const struct stack *stacks_stack(const struct stacks *s, uint32_t n)
{
	return &s->stacks[n];
}

const struct frame *stacks_frame(const struct stacks *s, uint32_t n)
{
	return &s->frames[n];
}

const struct function *stacks_function(const struct stacks *s, uint32_t n)
{
	return &s->functions[n];
}

/* ---------------------------------------------------------------- labels */

static size_t label_add(struct stacks *s, size_t at, const char *p)
{
	for (size_t left = strlen(p), shown; left > 0; p += shown, left -= shown) {
		GROW(s->label, at + 5, s->label_cap);
		bool ends = *p == ';' || *p == '\\', plain = *p >= ' ' && *p < 0x7f;
		shown = ends ? 0 : plain ? 1 : utf8_shown(p, left);
		memcpy(s->label + at, p, shown);
		at += shown;
		if (shown)
			continue;
		at += (size_t)snprintf(s->label + at, 5, "\\x%02x", (unsigned char)*p);
		shown = 1;
	}
	GROW(s->label, at, s->label_cap);
	s->label[at] = '\0';
	return at;
}

static struct mt_str str_of(const char *p)
{
	return (struct mt_str){ p, strlen(p) };
}

struct mt_event function_event(const struct function *f)
{
	return (struct mt_event){
		.kind = MT_FUNCTION, .lang = f->lang, .line = f->line,
		.name = str_of(f->name), .file = str_of(f->file), .module = str_of(f->module),
	};
}

const char *function_place(const struct function *f)
{
	return *f->file ? f->file : f->module;
}

bool function_is_native(const struct function *f)
{
	return f->lang == MT_LANG_NATIVE;
}

bool file_is_import_system(const char *file, size_t n)
{
	static const char frozen[] = "<frozen importlib", folder[] = "importlib/";

	return (n >= sizeof frozen - 1 && memcmp(file, frozen, sizeof frozen - 1) == 0) ||
	       (n >= sizeof folder - 1 && memcmp(file, folder, sizeof folder - 1) == 0) ||
	       memmem(file, n, "/importlib/", 11);
}

bool function_is_label(const struct function *f)
{
	size_t n = strlen(f->name);

	return n > 2 && f->name[0] == '[' && f->name[n - 1] == ']' && !*function_place(f);
}

bool function_is_arena(const struct function *f)
{
	return function_is_label(f) && strcmp(f->name, "[pymalloc arena]") == 0;
}

uint64_t stacks_arena_bytes(const struct stacks *s, const struct amount *at, uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 1; i < n; i++)
		if (at[i].bytes && function_is_arena(&s->functions[s->frames[s->stacks[i].frame].function]))
			amount_sum(&bytes, at[i].bytes);
	return bytes;
}

const char *function_language(const struct function *f)
{
	return f->lang == MT_LANG_PYTHON ? "python" : f->lang == MT_LANG_NATIVE ? "native" : "";
}

const char *stacks_label_by(struct stacks *s, uint32_t frame, enum stacks_detail detail)
{
	const struct function *f = &s->functions[s->frames[frame].function];
	uint32_t line = s->frames[frame].line;
	const char *place = function_place(f);
	char number[16];

	if (detail == STACKS_FILE) {
		label_add(s, 0, *place ? place : "[unknown]");
		return s->label;
	}
	size_t at = label_add(s, 0, *f->name ? f->name : "[unknown]");
	if (!*place)
		return s->label;
	at = label_add(s, at, function_is_native(f) ? " [" : " (");
	at = label_add(s, at, place);
	if (detail == STACKS_LINE && line && *f->file) {
		snprintf(number, sizeof number, ":%u", (unsigned)line);
		at = label_add(s, at, number);
	}
	label_add(s, at, function_is_native(f) ? "]" : ")");
	return s->label;
}
