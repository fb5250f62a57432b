/*
 * evaluators.c - which Python frames a C frame runs
 *
 * The interpreter's loop keeps data on the C stack while it runs, depending on the release:
 *
 *	3.10		its cframe, one for each Python frame
 *	3.11		its cframe; it runs the frames from the newest to one with is_entry set
 *	from 3.12	a frame of its own (a shim), older than the frames it runs
 *
 * Source: _PyEval_EvalFrameDefault() of each release (Python/ceval.c): `cframe` and is_entry to 3.11,
 * `entry_frame` (FRAME_OWNED_BY_CSTACK, from 3.15 FRAME_OWNED_BY_INTERPRETER) from 3.12; _gen_throw()
 * (Objects/genobject.c) for frames that are linked without running.
 *
 * This needs no function names, so it works with stripped interpreters, with
 * parts of the loop that the compiler moved elsewhere, and with interpreters
 * compiled to tail calls. 3.8 and 3.9 keep nothing there: the collector recognises
 * their evaluators by name, each running one frame.
 *
 * From 3.11, deep Python stacks need few C frames, and reading all Python frames
 * would dominate the cost. In 3.11 the cframes are enough: each points to its newest
 * frame, and pystack.c's last walk gives the number of frames between two of them.
 * If that fails, and in all other releases, frames that pystack.c has proved unchanged
 * since its last capture are not read again.
 */
#include <string.h>

#include "agent.h"
#include "evaluators.h"
#include "memory.h"
#include "python/lastwalk.h"
#include "native.h"
#include "python/pylayout.h"
#include "python/pystack.h"
#include "ring.h"
#include "wire.h"

#define MOST_LEVELS (1u << 24)	/* a longer chain is corrupt */

/* Makes room for one more element in one of the list's arrays. */
#define ROOM(list, array, n, capacity) \
	(LIKELY((n) < (list)->capacity) || grow((void **)&(list)->array, &(list)->capacity, n, sizeof *(list)->array))

static COLD bool grow(void **array, uint32_t *capacity, uint32_t used, size_t size)
{
	void *p = pages_grow(*array, capacity, used, size);
	if (p)
		*array = p;
	return p != NULL;
}

static inline void found(struct evaluators *list, uintptr_t at, enum found_kind kind)
{
	if (ROOM(list, found, list->n_found, found_capacity))
		list->found[list->n_found++] = (struct found){ at, kind };
}

/* Stacks with few frames are read each time, and no data is kept per frame. */
#define FEW 16u

static inline void append_few(struct evaluators *list)
{
	for (uint32_t i = list->n_found; i-- > 0;) {
		const struct found *f = &list->found[i];
		if (f->at && ROOM(list, e, list->n, capacity))
			list->e[list->n++] = (struct evaluator){ .at = f->at };
		if (list->n)
			list->e[list->n - 1].frames += f->kind == FOUND_FRAME;
	}
}

/* Appends list->found (newest first) to list->e (oldest first). */
static inline void append(struct evaluators *list)
{
	for (uint32_t i = list->n_found; i-- > 0;) {
		const struct found *f = &list->found[i];
		if (f->at) {
			if (!ROOM(list, e, list->n, capacity))
				return;
			list->e[list->n++] = (struct evaluator){ .at = f->at };
		}
		if (f->kind == FOUND_SHIM)
			continue;
		if (list->n && f->kind == FOUND_FRAME)
			list->e[list->n - 1].frames++;
		if (!ROOM(list, upto, list->n_upto, upto_capacity))
			return;
		list->upto[list->n_upto++] = (struct upto){ list->n, list->n ? list->e[list->n - 1].frames : 0 };
	}
}

/* ---------------------------------------------------------------- reading, newest first, down to frame `stop` */

/* Down to the cframe of the evaluators that are kept. */
static void read_cframes(struct evaluators *list, uintptr_t ts, const struct py_layout *o)
{
	uintptr_t root = ts + (uintptr_t)o->ts_root_cframe, at = LOAD(ts, o->ts_cframe),
		  stop = list->n ? list->e[list->n - 1].at : root;
	for (uint32_t n = 0; at && at != root && at != stop && n < MOST_LEVELS; n++, at = LOAD(at, o->cframe_previous))
		found(list, at, FOUND_FRAME);
}

/*
 * Returns whether a frame with is_entry set is this evaluator's first. Throwing into a generator that waits for
 * another one links its frame without running it, and its is_entry is left over from its last run.
 */
static inline bool is_first_of(uintptr_t at, uintptr_t f, const struct py_layout *o)
{
	uintptr_t back = LOAD(f, o->f_back), older = LOAD(at, o->cframe_previous);
	return back == 0 || older == 0 || back == LOAD(older, o->cframe_frame);
}

static inline void read_entries(struct evaluators *list, uintptr_t ts, const struct py_layout *o, uintptr_t stop)
{
	uintptr_t root = ts + (uintptr_t)o->ts_root_cframe, at = LOAD(ts, o->ts_frame),
		  f = at ? LOAD(at, o->cframe_frame) : 0;
	for (uint32_t n = 0; f && f != stop && at != root && n < MOST_LEVELS; n++, f = LOAD(f, o->f_back)) {
		bool entry = LOAD_BYTE(f, o->f_entry) != 0 && is_first_of(at, f, o);
		found(list, entry ? at : 0, FOUND_FRAME);
		if (entry)
			at = LOAD(at, o->cframe_previous);
	}
}

/*
 * Returns whether it is the frame that the interpreter puts under a specialised __init__(), which belongs to no Python
 * stack. pycode.c recognises it in the same way.
 */
static inline bool is_hidden(const struct py_layout *o, uintptr_t code)
{
	uintptr_t name = LOAD(code, o->co_name);
	return UNLIKELY(name == LOAD(code, o->co_filename)) && LOAD(name, o->str_length) == 8 &&
	       memcmp((const void *)(name + (uintptr_t)o->str_ascii), "__init__", 8) == 0;
}

static inline void read_shims(struct evaluators *list, uintptr_t ts, const struct py_layout *o, uintptr_t stop)
{
	uintptr_t f = LOAD(ts, o->ts_frame);
	if (o->cframe_frame >= 0 && f)
		f = LOAD(f, o->cframe_frame);
	for (uint32_t n = 0; f && f != stop && n < MOST_LEVELS; n++, f = LOAD(f, o->f_back)) {
		if (LOAD_BYTE(f, o->f_owner) >= o->shim_owner)
			found(list, f, FOUND_SHIM);
		else
			found(list, 0,
			      is_hidden(o, LOAD(f, o->f_code) & ~(uintptr_t)o->code_tags) ? FOUND_HIDDEN : FOUND_FRAME);
	}
}

/* Keeps only the part of the list that belongs to the oldest `n` Python frames. */
static inline void cut(struct evaluators *list, uint32_t n)
{
	list->n_upto = n;
	list->n = n ? list->upto[n - 1].evaluators : 0;
	if (list->n)
		list->e[list->n - 1].frames = list->upto[n - 1].frames;
}

/* ---------------------------------------------------------------- 3.11, by cframes */

#define MOST_CFRAMES 32u

/* Returns a frame's level in the walk, from 1; 0: not known. */
static inline uint32_t level_of(const struct last_walk *t, uintptr_t frame)
{
	uint32_t i = t->place[last_walk_place(frame)];
	return i < t->n && t->levels[i].frame == frame ? i + 1 : 0;
}

/*
 * An evaluator's first frame was linked to the newest frame of the evaluator
 * before it. Greenlets cut such links, so check that it has is_entry set, and that the first frame of the
 * oldest evaluator is the oldest frame. Returns false and the list as it was if a check fails or there are too many.
 */
static bool read_by_cframes(struct evaluators *list, const struct pystack_last *last, const struct py_layout *o)
{
	struct evaluator newest_first[MOST_CFRAMES];
	const struct last_walk *t = last->walk;
	uintptr_t at = LOAD(last->ts, o->ts_frame);
	uint32_t n = 0, level = t->n;
	if (!at || LOAD(at, o->cframe_frame) != t->levels[level - 1].frame)
		return false;
	while (level > 0) {
		uintptr_t older = LOAD(at, o->cframe_previous), frame = older ? LOAD(older, o->cframe_frame) : 0;
		uint32_t below = frame ? level_of(t, frame) : 0;
		if (n == MOST_CFRAMES || below >= level || (below == 0 && frame != 0) ||
		    LOAD_BYTE(t->levels[below].frame, o->f_entry) == 0)
			return false;
		newest_first[n++] = (struct evaluator){ .at = at, .frames = level - below };
		level = below;
		at = older;
	}
	list->n = list->n_upto = 0;
	while (n > 0) {
		if (!ROOM(list, e, list->n, capacity))
			return false;
		list->e[list->n++] = newest_first[--n];
	}
	return true;
}

static void read_down_to(struct evaluators *list, const struct pystack_last *last, const struct py_layout *o,
			 uintptr_t stop)
{
	list->n_found = 0;
	if (o->evaluator == EVALUATOR_SHIM)
		read_shims(list, last->ts, o, stop);
	else if (o->evaluator == EVALUATOR_ENTRY)
		read_entries(list, last->ts, o, stop);
	else
		read_cframes(list, last->ts, o);
}

#ifdef NATIVE_VERIFY
/* Compares with the result of reading every frame. */
static void check(const struct evaluators *list, const struct pystack_last *last, const struct py_layout *o)
{
	static const char text[] = "evaluators are different";
	static __thread struct evaluators all;
	all.n = 0;
	read_down_to(&all, last, o, 0);
	append_few(&all);
	bool same = list->n == all.n;
	for (uint32_t i = 0; same && i < all.n; i++)
		same = list->e[i].at == all.e[i].at && list->e[i].frames == all.e[i].frames;
	if (!same)
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
}
#else
#define check(list, last, o) ((void)0)
#endif

void evaluators_read(struct evaluators *list)
{
	struct pystack_last last;
	const struct python *python = pystack_python();
	if (!python || !pystack_last(&last)) {
		list->n = list->n_upto = list->same = list->kept = 0;
		list->proven = list->levels = 0;
		return;
	}
	if (list->capture == last.capture)
		return;
	list->same = list->kept = 0;
	list->proven = list->capture + 1 == last.capture ? last.proven : 0;
	list->levels_before = list->levels;
	list->levels = last.levels;
	if (python->layout.evaluator == EVALUATOR_NOTHING) {
		list->n = list->n_upto = 0;
		list->capture = last.capture;
		return;
	}
	const struct py_layout *o = &python->layout;
	if (o->evaluator == EVALUATOR_ENTRY && read_by_cframes(list, &last, o)) {
		list->capture = last.capture;
		check(list, &last, o);
		return;
	}
	bool proven = list->proven > 0 && last.proven <= list->n_upto;
	cut(list, proven ? last.proven : 0);
	list->kept = list->n;
	/* Not from 3.14 on, where frames are marked: C frames were seen to change although the Python frame had not. */
	list->same = o->evaluator != EVALUATOR_SHIM || o->f_mark < 0 ? list->n : 0;
	read_down_to(list, &last, o, proven ? last.frame : 0);
	if (last.levels < FEW)
		append_few(list);
	else
		append(list);
	/* A frame that is linked without running has no cframe, so the two cannot be matched. */
	if (o->evaluator == EVALUATOR_CFRAME && list->n != last.levels)
		list->n_upto = 0;
	list->capture = last.capture;
	check(list, &last, o);
}
