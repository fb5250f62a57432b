/*
 * stacks.c - functions, frames and stacks of a trace, by content
 *
 * Four tables of numbered entries: texts, functions, frames, stacks, each
 * referring to the ones before by number, so that equal content is equal
 * numbers. A new entry is appended first and looked up then; if its like is
 * there already, the new one is dropped.
 */
#include "stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "xmalloc.h"

#define CHUNK_BYTES (64u << 10)
#define NEAR 4		/* stacks called from one place that are gone through before the index is asked */

struct chunk {
	struct chunk *next;
	char bytes[];
};

/* An entry of a table and its hash: what is unlike is told without looking at the entry, somewhere in memory. */
struct slot {
	uint32_t hash, n;	/* n == 0: empty (number 0, "not known", is never looked up) */
};

/* Numbers of equal things, hashed. */
struct index {
	struct slot *slots;
	size_t cap;		/* 0 or a power of 2, at most 2^32 */
	size_t used;
	uint64_t (*hash)(const struct stacks *s, uint32_t n);
	bool (*same)(const struct stacks *s, uint32_t a, uint32_t b);
};

struct text {
	const char *p;
	size_t n;
};

/* A trace's numbers to ours. */
struct map {
	uint32_t *to;
	size_t n, cap;
};

struct stacks {
	struct text *texts;
	struct function *functions;
	struct frame *frames;
	struct stack *stacks;
	uint32_t n_texts, n_functions, n_frames, n_stacks;
	size_t cap_texts, cap_functions, cap_frames, cap_stacks;
	struct index text_index, function_index, frame_index, stack_index;
	struct map function_map, frame_map, stack_map;
	struct chunk *chunks;
	size_t chunk_used;
	char *label;
	size_t label_cap;
};

/* ---------------------------------------------------------------- hashing */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t pointer_bits(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static uint64_t text_hash(const struct stacks *s, uint32_t n)
{
	const struct text *t = &s->texts[n];
	uint64_t h = t->n, word;
	size_t i = 0;

	for (; i + sizeof word <= t->n; i += sizeof word) {
		memcpy(&word, t->p + i, sizeof word);
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, t->p + i, t->n - i);
	return mix(h, word);
}

static bool text_same(const struct stacks *s, uint32_t a, uint32_t b)
{
	return s->texts[a].n == s->texts[b].n && memcmp(s->texts[a].p, s->texts[b].p, s->texts[a].n) == 0;
}

/* Texts are one by content, so a function's are told by their addresses. */
static uint64_t function_hash(const struct stacks *s, uint32_t n)
{
	const struct function *f = &s->functions[n];
	uint64_t h = mix(pointer_bits(f->name), pointer_bits(f->file));

	return mix(mix(h, pointer_bits(f->module)), (uint64_t)f->line << 8 | f->lang);
}

static bool function_same(const struct stacks *s, uint32_t a, uint32_t b)
{
	const struct function *f = &s->functions[a], *g = &s->functions[b];

	return f->name == g->name && f->file == g->file && f->module == g->module && f->line == g->line &&
	       f->lang == g->lang;
}

static uint64_t frame_hash(const struct stacks *s, uint32_t n)
{
	return mix(s->frames[n].function, s->frames[n].line);
}

static bool frame_same(const struct stacks *s, uint32_t a, uint32_t b)
{
	return s->frames[a].function == s->frames[b].function && s->frames[a].line == s->frames[b].line;
}

static uint64_t stack_hash(const struct stacks *s, uint32_t n)
{
	return mix(s->stacks[n].parent, s->stacks[n].frame);
}

static bool stack_same(const struct stacks *s, uint32_t a, uint32_t b)
{
	return s->stacks[a].parent == s->stacks[b].parent && s->stacks[a].frame == s->stacks[b].frame;
}

/* ---------------------------------------------------------------- index */

static void index_make_room(struct index *ix)
{
	if (2 * (ix->used + 1) <= ix->cap)
		return;

	struct slot *old = ix->slots;
	size_t old_cap = ix->cap;
	ix->cap = old_cap ? 2 * old_cap : 256;
	ix->slots = xtable_new(ix->cap, sizeof *ix->slots);
	for (size_t k = 0; k < old_cap; k++) {
		size_t i = old[k].hash & (ix->cap - 1);
		if (old[k].n == 0)
			continue;
		while (ix->slots[i].n)
			i = (i + 1) & (ix->cap - 1);
		ix->slots[i] = old[k];
	}
	table_free(old, old_cap, sizeof *old);
}

/* The slot of what equals entry n, or the free one where it would be. The index has room. */
static struct slot *index_slot(const struct stacks *s, const struct index *ix, uint32_t n, uint32_t hash)
{
	size_t i = hash & (ix->cap - 1);

	for (; ix->slots[i].n; i = (i + 1) & (ix->cap - 1))
		if (ix->slots[i].hash == hash && ix->same(s, ix->slots[i].n, n))
			break;
	return &ix->slots[i];
}

static uint32_t hash_of(const struct stacks *s, const struct index *ix, uint32_t n)
{
	return (uint32_t)(ix->hash(s, n) >> 32);
}

/* The number of what equals entry n; 0: nothing. */
static uint32_t index_find(const struct stacks *s, const struct index *ix, uint32_t n)
{
	return ix->cap ? index_slot(s, ix, n, hash_of(s, ix, n))->n : 0;
}

/* The number of what equals entry n, or n itself, which is in the index from now on. */
static uint32_t index_of(const struct stacks *s, struct index *ix, uint32_t n)
{
	index_make_room(ix);
	uint32_t hash = hash_of(s, ix, n);
	struct slot *slot = index_slot(s, ix, n, hash);

	if (slot->n == 0) {
		*slot = (struct slot){ hash, n };
		ix->used++;
	}
	return slot->n;
}

/* ---------------------------------------------------------------- entries */

static char *chunk_take(struct stacks *s, size_t n)
{
	if (!s->chunks || n > CHUNK_BYTES - s->chunk_used) {
		struct chunk *c = xmalloc(sizeof *c + (n > CHUNK_BYTES ? n : CHUNK_BYTES));
		c->next = s->chunks;
		s->chunks = c;
		s->chunk_used = 0;
	}
	char *p = s->chunks->bytes + s->chunk_used;
	s->chunk_used = n > CHUNK_BYTES ? CHUNK_BYTES : s->chunk_used + n;
	return p;
}

/* Our own 0-terminated copy: the one of that content (which ends for us at a 0 within). */
static const char *text(struct stacks *s, struct mt_str str)
{
	if (str.n == 0)
		return "";
	GROW(s->texts, (size_t)s->n_texts, s->cap_texts);
	s->texts[s->n_texts] = (struct text){ str.p, str.n };
	uint32_t n = index_of(s, &s->text_index, s->n_texts);
	if (n != s->n_texts)
		return s->texts[n].p;

	char *p = chunk_take(s, str.n + 1);
	memcpy(p, str.p, str.n);
	p[str.n] = '\0';
	s->texts[s->n_texts++].p = p;
	return p;
}

uint32_t stacks_add_function(struct stacks *s, const struct mt_event *ev)
{
	GROW(s->functions, (size_t)s->n_functions, s->cap_functions);
	s->functions[s->n_functions] = (struct function){
		.name = text(s, ev->name),
		.file = text(s, ev->file),
		.module = text(s, ev->module),
		.line = ev->line,
		.lang = ev->lang,
	};
	uint32_t n = index_of(s, &s->function_index, s->n_functions);
	s->n_functions += n == s->n_functions;
	return n;
}

uint32_t stacks_add_frame(struct stacks *s, uint32_t function, uint32_t line)
{
	GROW(s->frames, (size_t)s->n_frames, s->cap_frames);
	s->frames[s->n_frames] = (struct frame){ .function = function, .line = line };
	uint32_t n = index_of(s, &s->frame_index, s->n_frames);
	s->n_frames += n == s->n_frames;
	return n;
}

/*
 * Most stacks are called from one that is new itself, or from where little else
 * is: those are found by going through the NEAR youngest of their parent's. The
 * elder ones are in the index; each enters it when it is the youngest of those.
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
	GROW(s->stacks, (size_t)new, s->cap_stacks);
	s->stacks[new] = (struct stack){
		.parent = parent,
		.frame = frame,
		.depth = s->stacks[parent].depth + 1,
		.elder = s->stacks[parent].youngest,
	};
	if (n && (n = index_find(s, &s->stack_index, new)) != 0)
		return n;
	if (near == NEAR)
		index_of(s, &s->stack_index, last);
	s->stacks[parent].youngest = new;
	return s->n_stacks++;
}

/* ---------------------------------------------------------------- numbers of a trace */

static uint32_t map_at(const struct map *m, uint32_t from)
{
	return from < m->n ? m->to[from] : 0;
}

/* A reader lets only dense numbers through, so a map is no longer than what was defined. */
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

	s->text_index = (struct index){ .hash = text_hash, .same = text_same };
	s->function_index = (struct index){ .hash = function_hash, .same = function_same };
	s->frame_index = (struct index){ .hash = frame_hash, .same = frame_same };
	s->stack_index = (struct index){ .hash = stack_hash, .same = stack_same };

	GROW(s->texts, (size_t)0, s->cap_texts);
	GROW(s->functions, (size_t)0, s->cap_functions);
	GROW(s->frames, (size_t)0, s->cap_frames);
	GROW(s->stacks, (size_t)0, s->cap_stacks);
	s->texts[0] = (struct text){ "", 0 };
	s->functions[0] = (struct function){ .name = "", .file = "", .module = "" };
	s->frames[0] = (struct frame){ 0 };
	s->stacks[0] = (struct stack){ 0 };
	s->n_texts = s->n_functions = s->n_frames = s->n_stacks = 1;
	return s;
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	while (s->chunks) {
		struct chunk *c = s->chunks;
		s->chunks = c->next;
		free(c);
	}
	map_free(&s->function_map);
	map_free(&s->frame_map);
	map_free(&s->stack_map);
	table_free(s->text_index.slots, s->text_index.cap, sizeof(struct slot));
	table_free(s->function_index.slots, s->function_index.cap, sizeof(struct slot));
	table_free(s->frame_index.slots, s->frame_index.cap, sizeof(struct slot));
	table_free(s->stack_index.slots, s->stack_index.cap, sizeof(struct slot));
	free(s->texts);
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
