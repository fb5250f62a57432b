/*
 * evaluators.c - which Python frames a C frame runs
 *
 * What the interpreter's loop keeps on the C stack while it runs, by release:
 *
 *	3.10		its cframe, one for each Python frame
 *	3.11		its cframe; the frames from the newest to one with is_entry set
 *	from 3.12	a frame of its own (a shim), older than the frames it runs
 *
 * That needs no names of functions: it holds for stripped interpreters, for
 * parts of the loop that the compiler put elsewhere, and for interpreters
 * compiled to tail calls. 3.8 and 3.9 keep nothing there: the collector knows
 * their evaluators by name, each running one frame.
 */
#include <string.h>

#include "agent.h"
#include "native.h"
#include "pylayout.h"
#include "pystack.h"

/* Of 3.10 and 3.11: fields that only this needs. */
struct cframes { int of_thread, root, previous; };
static const struct cframes cframes310 = { .of_thread = 48, .root = 264, .previous = 8 };
static const struct cframes cframes311 = { .of_thread = 56, .root = 336, .previous = 16 };
#define IS_ENTRY_311 68

#define MOST_LEVELS (1u << 24)	/* a chain that long is none */

static struct python python;
enum { UNKNOWN, LOOKING, FOUND, NONE };
static uint32_t python_state;

static COLD bool find_python(void)
{
	uint32_t seen = UNKNOWN;
	if (__atomic_compare_exchange_n(&python_state, &seen, LOOKING, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		seen = python_find(&python) == PYTHON_FOUND ? FOUND : NONE;
		__atomic_store_n(&python_state, seen, __ATOMIC_RELEASE);
	}
	return seen == FOUND;
}

void evaluators_forked(void)
{
	if (python_state == LOOKING)
		python_state = UNKNOWN;
}

static inline void add(struct evaluators *list, uintptr_t at, uint32_t frames)
{
	if (UNLIKELY(list->n == list->capacity)) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 256;
		struct evaluator *p = pages_new(capacity * sizeof *p);
		if (!p)
			return;
		if (list->n)
			memcpy(p, list->e, list->n * sizeof *p);
		pages_free(list->e, list->capacity * sizeof *p);
		list->e = p;
		list->capacity = capacity;
	}
	list->e[list->n++] = (struct evaluator){ .at = at, .frames = frames };
}

static void read_cframes(struct evaluators *list, uintptr_t ts, const struct cframes *c)
{
	uintptr_t root = ts + (uintptr_t)c->root, at = LOAD(ts, c->of_thread);
	for (uint32_t n = 0; at && at != root && n < MOST_LEVELS; n++, at = LOAD(at, c->previous))
		add(list, at, 1);
}

static void read_entries(struct evaluators *list, uintptr_t ts, const struct py_layout *o)
{
	uintptr_t root = ts + (uintptr_t)cframes311.root, at = LOAD(ts, o->ts_frame), f = at ? LOAD(at, o->cframe_frame) : 0;
	uint32_t frames = 0;
	for (uint32_t n = 0; f && at != root && n < MOST_LEVELS; n++, f = LOAD(f, o->f_back)) {
		frames++;
		if (LOAD_BYTE(f, IS_ENTRY_311)) {
			add(list, at, frames);
			frames = 0;
			at = LOAD(at, cframes311.previous);
		}
	}
}

/* The frame that the interpreter puts under a specialised __init__(): in no Python stack. pycode.c knows it likewise. */
static inline bool is_hidden(const struct py_layout *o, uintptr_t code)
{
	uintptr_t name = LOAD(code, o->co_name);
	return UNLIKELY(name == LOAD(code, o->co_filename)) && LOAD(name, o->str_length) == 8 &&
	       memcmp((const void *)(name + (uintptr_t)o->str_ascii), "__init__", 8) == 0;
}

static void read_shims(struct evaluators *list, uintptr_t ts, const struct py_layout *o)
{
	uintptr_t f = LOAD(ts, o->ts_frame);
	if (o->cframe_frame >= 0 && f)
		f = LOAD(f, o->cframe_frame);
	uint32_t frames = 0;
	for (uint32_t n = 0; f && n < MOST_LEVELS; n++, f = LOAD(f, o->f_back)) {
		if (LOAD_BYTE(f, o->f_owner) >= o->shim_owner) {
			add(list, f, frames);
			frames = 0;
		} else if (!is_hidden(o, LOAD(f, o->f_code) & ~(uintptr_t)o->code_tags)) {
			frames++;
		}
	}
}

void evaluators_read(struct evaluators *list)
{
	list->n = 0;
	if (UNLIKELY(__atomic_load_n(&python_state, __ATOMIC_ACQUIRE) != FOUND) && !find_python())
		return;
	const struct py_layout *o = &python.layout;
	uintptr_t ts = pystack_thread_state(&python);
	if (!ts || o->minor < 10)
		return;
	if (o->minor >= 12)
		read_shims(list, ts, o);
	else if (o->minor == 11)
		read_entries(list, ts, o);
	else
		read_cframes(list, ts, &cframes310);
}
