/*
 * pystack.c - the calling thread's Python stack, read from inside an allocation
 *
 * The chain of frames is read at constant offsets, without calling the interpreter
 * and without its lock: only the calling thread changes its own chain.
 *
 * Most stacks are the same as the last one. Each thread keeps its last walk (`levels`,
 * oldest first) and compares: new frames on top are collected up to the first that
 * was there before; from there down EVERY level is compared with its
 * old state. "The top frame looks the same, so the rest is" would be wrong: two calls
 * of one function from two lines of its caller put the same frame at the same
 * address with the same instruction. Only a proof (proofs.h) allows an early stop.
 */
#include "pystack.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"
#include "census.h"
#include "nodes.h"
#include "lastwalk.h"
#include "memory.h"
#include "orders.h"
#include "proofs.h"
#include "pycode.h"
#include "pycollector.h"
#include "pytables.h"
#include "ring.h"
#include "wire.h"

static __thread struct last_walk *self;

static struct python python;
static struct lock start_lock;
enum { NOT_FOUND, FOUND, READY, OFF };
static uint32_t state;		/* FOUND: it has not begun, or is not hooked and reported yet */
static bool refused;		/* state is OFF, and the user has not been warned yet */
static uint32_t lookups;
static bool underway;		/* it had begun when the recording of this process did */
static bool relocated;		/* found in the constructor, when all objects are */

/* ---------------------------------------------------------------- frames */

/* Skips the interpreter's own frames (from 3.12: one for each entry from C). */
INLINE uintptr_t skip_shims(const struct py_layout *o, uintptr_t f)
{
	if (o->shim_owner)
		while (f && LOAD_BYTE(f, o->f_owner) >= o->shim_owner)
			f = LOAD(f, o->f_back);
	return f;
}

INLINE uintptr_t newest_frame(const struct py_layout *o, uintptr_t ts)
{
	uintptr_t f = LOAD(ts, o->ts_frame);
	if (o->cframe_frame >= 0 && f)
		f = LOAD(f, o->cframe_frame);
	return skip_shims(o, f);
}

INLINE uintptr_t frame_code(const struct py_layout *o, uintptr_t f)
{
	return LOAD(f, o->f_code) & ~(uintptr_t)o->code_tags;
}

INLINE uintptr_t frame_key(const struct py_layout *o, uintptr_t f)
{
	return o->instr != INSTR_ADDRESS ? (uint32_t)LOAD_INT(f, o->f_instr) : LOAD(f, o->f_instr);
}

/*
 * Returns whether equal keys mean the same place only if the codes are equal too. Offsets need that; an address
 * is in only one living code object, except if threads have copies.
 */
INLINE bool key_needs_code(const struct py_layout *o)
{
	return o->instr != INSTR_ADDRESS || o->f_tlbc >= 0;
}

/* Returns the byte offset of a frame's instruction in its code; -1: before the first. */
static int32_t frame_lasti(const struct py_layout *o, const struct level *l)
{
	int32_t at = (int32_t)(uint32_t)l->key;
	if (o->instr != INSTR_ADDRESS)
		return at < 0 ? -1 : o->instr == INSTR_UNIT ? at * 2 : at;
	uintptr_t start = l->code + (uintptr_t)o->co_bytecode;
	if (o->f_tlbc >= 0) {		/* an array of the copies: their number, then their addresses */
		uintptr_t copies = LOAD(l->code, o->co_tlbc);
		int32_t i = LOAD_INT(l->frame, o->f_tlbc);
		if (copies && i >= 0 && (uintptr_t)i < LOAD(copies, 0))
			start = LOAD(copies, 8 + 8 * (uintptr_t)i);
	}
	at = (int32_t)(l->key - start);
	return at < 0 ? -1 : at;
}

/* ---------------------------------------------------------------- the walk */

#define COLLECTED_ALL (-1)	/* no frame of the last walk was found */
#define NO_MEMORY (-2)
#define MOVED UINT32_MAX

/* Collects new frames, newest first. Returns the level of the first known frame. */
INLINE int64_t collect(const struct py_layout *o, struct last_walk *t, uintptr_t f, bool marks)
{
	for (t->n_fresh = 0; f; f = skip_shims(o, LOAD(f, o->f_back))) {
		uint32_t i = t->place[last_walk_place(f)];
		if (i < t->n && t->levels[i].frame == f)
			return i;
		if (UNLIKELY(t->n_fresh == t->fresh_capacity) && !last_walk_grow_fresh(t))
			return NO_MEMORY;
		struct level *l = &t->fresh[t->n_fresh++];
		l->frame = f;
		l->code = frame_code(o, f);
		l->key = frame_key(o, f);
		l->slot = 0;
		if (marks)
			mark(o, t, f);
	}
	return COLLECTED_ALL;
}

/* Returns whether the frame is where it was; if not, stores where it is now. */
INLINE bool level_unchanged(const struct py_layout *o, struct level *l, uintptr_t f)
{
	uintptr_t key = frame_key(o, f);
	if (LIKELY(l->key == key) && (!key_needs_code(o) || LIKELY(l->code == frame_code(o, f))))
		return true;
	l->key = key;
	l->code = frame_code(o, f);
	l->slot = 0;
	return false;
}

/*
 * Compares level `at` and all older ones with the frames. Returns the oldest
 * level that changed; at + 1 if none did; MOVED if a frame's caller is not the same
 * (a generator, a greenlet).
 */
INLINE uint32_t verify(const struct py_layout *o, struct last_walk *t, uint32_t at, bool marks, bool operands,
		       uintptr_t anchor)
{
	uint32_t changed = at + 1;
	uintptr_t callee = t->n_fresh ? t->fresh[t->n_fresh - 1].frame : 0;
	uintptr_t f = t->levels[at].frame;
	for (uint32_t i = at;; i--) {
		uintptr_t expected = i ? t->levels[i - 1].frame : 0, next = LOAD(f, o->f_back);
		/* Continue from the cached address, not the loaded one, so that no load waits for the one before. */
		uintptr_t guess = expected;
		__asm__("" : "+r"(guess));
		if (UNLIKELY(!level_unchanged(o, &t->levels[i], f)))
			changed = i;
#ifdef PYSTACK_VERIFY
		else if (pystack_naive)
			return changed;
#endif
		if (marks) {
			if (is_marked(o, t, f)) {
				COUNT(early_stops);
				t->proven = i + 1;
				return changed;
			}
			mark(o, t, f);
		}
		if (operands && i % STAMP_EVERY == STAMP_EVERY - 1) {
			if (LIKELY(operand_stands(&t->levels[i]))) {
				COUNT(early_stops);
				t->proven = i + 1;
				return changed;
			}
			if (callee && changed != i)
				operand_stamp(o, t, &t->levels[i], callee, t->levels[i].node == t->levels[i - 1].node);
		}
		if (anchor && f == anchor) {
			COUNT(early_stops);
			t->proven = i + 1;
			return changed;
		}
		if (next != expected)
			next = skip_shims(o, next);
		if (UNLIKELY(next != expected))
			return MOVED;
		if (i == 0)
			return changed;
		callee = f;
		f = guess;
	}
}

/* Puts the collected frames on top of the first `n` levels, which are unchanged. */
INLINE bool keep_fresh(struct last_walk *t, uint32_t n)
{
	if (UNLIKELY(n + t->n_fresh > t->capacity)) {
		t->n = n;
		if (!last_walk_grow(t, n + t->n_fresh))
			return false;
	}
	for (uint32_t j = t->n_fresh; j > 0; j--, n++) {
		t->levels[n] = t->fresh[j - 1];
		t->place[last_walk_place(t->levels[n].frame)] = n;
	}
	t->n = n;
	return true;
}

static COLD void switch_off(void)
{
	static const char text[] =
	    "this Python's memory layout does not match its version: recording without Python stacks";
	if (__atomic_exchange_n(&state, OFF, __ATOMIC_ACQ_REL) != OFF)
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
}

/* Returns the node of a level under `parent`; NODE_NONE: no memory. */
INLINE uint32_t level_node(const struct py_layout *o, struct last_walk *t, const struct level *l, uint32_t parent)
{
	uint64_t h = (l->key ^ l->code << 3 ^ (uintptr_t)parent << 17) * 0x9e3779b97f4a7c15u;
	struct node_cache_entry *s = &t->steps[h >> 32 & (N_STEPS - 1)];
	if (LIKELY(s->code == l->code && s->key == l->key && s->parent == parent && s->entry != NULL &&
		   __atomic_load_n(&s->entry->code, __ATOMIC_ACQUIRE) == l->code && s->entry->id == s->id))
		return s->node;
	const struct code_entry *e;
	enum code_result r = code_lookup(l->code, &e);
	if (UNLIKELY(r != CODE_OK)) {
		if (r == CODE_NOT_CODE)
			switch_off();
		return NODE_NONE;
	}
	uint32_t node = e->hidden ? parent : node_child(parent, e->id, frame_lasti(o, l));
	if (node != NODE_NONE)
		*s = (struct node_cache_entry){
			.code = l->code, .key = l->key, .entry = e, .id = e->id, .parent = parent, .node = node
		};
	return node;
}

/* Sets the nodes of the levels from `changed` up; returns the newest. */
INLINE uint32_t name_levels(const struct py_layout *o, struct last_walk *t, uint32_t changed)
{
	uint32_t node = changed ? t->levels[changed - 1].node : NODE_ROOT;
	for (uint32_t i = changed; i < t->n; i++) {
		node = level_node(o, t, &t->levels[i], node);
		if (UNLIKELY(node == NODE_NONE)) {
			t->n = i;
			return NODE_ROOT;
		}
		t->levels[i].node = node;
	}
	return node;
}

/* Returns whether a debugger may move frames now. */
INLINE bool is_traced(const struct py_layout *o, uintptr_t ts)
{
#ifdef PYSTACK_VERIFY
	if (pystack_trusting)
		return false;
#endif
	return o->ts_tracefunc < 0 || LOAD(ts, o->ts_tracefunc) != 0 ||
	       (o->ts_event >= 0 && LOAD_INT(ts, o->ts_event) >= 0);
}

static COLD void thread_state_changed(const struct py_layout *o, struct last_walk *t, uintptr_t ts)
{
	t->ts = ts;
	t->n = t->n_chunks = 0;
	if (o->f_tlbc >= 0)		/* the thread may run other copies of the bytecode */
		memset(t->steps, 0, sizeof t->steps);
}

INLINE uint32_t walk(const struct py_layout *o, struct last_walk *t, uintptr_t ts)
{
	t->captures++;
	t->proven = 0;
	if (UNLIKELY(t->ts != ts))
		thread_state_changed(o, t, ts);
	if (UNLIKELY(t->deaths != code_deaths()))
		last_walk_spoil_dead(t);
	bool early = !is_traced(o, ts);
	bool marks = early && o->f_mark >= 0, operands = early && o->f_stacktop >= 0;
	bool chunks = early && o->f_mark < 0 && o->ts_chunk >= 0 && o->chunks_stay && UNLIKELY(has_many_chunks(o, ts));
	uint32_t kept = 0;
	uintptr_t anchor = chunks ? find_anchor(o, t, ts, &kept) : 0;

	int64_t known = collect(o, t, newest_frame(o, ts), marks);
	uint32_t changed = 0;
	if (LIKELY(known >= 0)) {
		changed = UNLIKELY(anchor != 0) ? verify(o, t, (uint32_t)known, false, operands, anchor)
						: verify(o, t, (uint32_t)known, marks, operands, 0);
		if (UNLIKELY(changed == MOVED)) {
			COUNT(rebuilds);
			t->n = kept = changed = 0;
			known = collect(o, t, newest_frame(o, ts), marks);
		}
	}
	if (UNLIKELY(known == NO_MEMORY) || UNLIKELY(!keep_fresh(t, (uint32_t)(known + 1)))) {
		t->n = 0;
		return NODE_ROOT;
	}
	t->n_chunks = kept;
	if (chunks && (kept == 0 || t->chunks[kept - 1].chunk != LOAD(ts, o->ts_chunk)))
		stamp_chunks(o, t, ts, kept);
	return name_levels(o, t, changed);
}

/* One walk for each release, compiled with its offsets as constants, and one for any layout. */
typedef uint32_t walk_fn(struct last_walk *t, uintptr_t ts);
#define WALK(name, layout) \
	static uint32_t name(struct last_walk *t, uintptr_t ts) { return walk(layout, t, ts); }
WALK(walk38, &py38)
WALK(walk39, &py39)
WALK(walk310, &py310)
WALK(walk311, &py311)
WALK(walk312, &py312)
WALK(walk313, &py313)
WALK(walk314, &py314)
WALK(walk315, &py315)
WALK(walk_any, &python.layout)

static walk_fn *walk_version = walk_any;

static void choose_walk(void)
{
	static const struct { const struct py_layout *layout; walk_fn *walk; } known[] = {
		{ &py38, walk38 }, { &py39, walk39 }, { &py310, walk310 }, { &py311, walk311 }, { &py312, walk312 },
		{ &py313, walk313 }, { &py314, walk314 }, { &py315, walk315 },
	};
	walk_version = walk_any;
#ifdef PYSTACK_VERIFY
	if (pystack_generic)
		return;
#endif
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (memcmp(known[i].layout, &python.layout, sizeof python.layout) == 0)
			walk_version = known[i].walk;
}

/* ---------------------------------------------------------------- which interpreter, which thread state */

uintptr_t pystack_thread_state(const struct python *p)
{
	const struct py_layout *o = &p->layout;
	if (o->attached_first) {
		/* The attached one may be a sub-interpreter's. Without one, use the last that was attached. */
		uintptr_t ts = (uintptr_t)p->attached();
		return ts ? ts : (uintptr_t)p->thread_state();
	}
	uintptr_t ts = (uintptr_t)p->thread_state();
	uintptr_t main_interpreter = ts ? LOAD(p->runtime, o->rt_interpreters) : 0;
	if (UNLIKELY(main_interpreter && LOAD(main_interpreter, o->interp_next))) {
		/* `ts` is always the main interpreter's; a sub-interpreter's is seen only while it holds the lock. */
		uintptr_t current = LOAD(p->runtime, o->rt_tstate_current);
		if (current && current != ts && LOAD(current, o->ts_thread_id) == (uintptr_t)pthread_self())
			ts = current;
	}
	return ts;
}

static const volatile uintptr_t never;
const volatile uintptr_t *pystack_finalizing = &never;

COLD void pystack_tell_finalizing(void)
{
	static bool told;
	pycollector_forget();
	if (__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		return;
	if (orders.flags & WIRE_FLAG_CENSUS)
		census_take(WIRE_MOMENT_SCRIPT_END);
	ring_put(WIRE_FINALIZING, 0, 0, 0);
}

/* Then other threads' PyThreadStates may be freed while they use them. */
static bool is_finalizing(uintptr_t ts)
{
	uintptr_t by = LOAD(python.runtime, python.layout.rt_finalizing);
	return by != 0 && by != ts;
}

/*
 * A dlopen() may load an interpreter. From its start, each allocation of any thread checks for one, until the thread
 * that called it has allocated this often since it last opened an object. It maps objects with only a few allocations
 * between them, before any of their code runs, so none is missed. Other threads' allocations do not count.
 */
#define OPENING_ALLOCATIONS 1000u

static uint32_t opening;			/* number of threads in that state */
static __thread uint32_t opening_left;		/* allocations, of this thread */

void pystack_opening(void)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
	if (now != NOT_FOUND && now != FOUND)
		return;
	if (!opening_left)
		__atomic_add_fetch(&opening, 1, __ATOMIC_SEQ_CST);
	opening_left = OPENING_ALLOCATIONS;
}

static inline bool is_opening(void)
{
	return UNLIKELY(__atomic_load_n(&opening, __ATOMIC_RELAXED) != 0);
}

static COLD void count_opening(void)
{
	if (opening_left && --opening_left == 0)
		__atomic_sub_fetch(&opening, 1, __ATOMIC_SEQ_CST);
}

/*
 * Returns whether to search at this allocation: at each while objects are opened. Otherwise, for an object that was
 * loaded without our dlopen, at the 1st, 2nd, 4th, … allocation, and later at every 4096th.
 */
static bool is_time_to_look(void)
{
	uint32_t n = __atomic_load_n(&lookups, __ATOMIC_RELAXED) + 1;
	__atomic_store_n(&lookups, n, __ATOMIC_RELAXED);	/* losing a count does no harm */
	return is_opening() || (n < 4096 ? (n & (n - 1)) == 0 : n % 4096 == 0);
}

void (*pystack_found)(const struct python *p);

/*
 * Nothing may wait for this lock: its holder waits for the loader's lock, whose holder may allocate and come here.
 */
static struct lock look_lock;

static COLD void look(void)
{
	if (!lock_try(&look_lock))
		return;		/* another thread is searching */
	if (state == NOT_FOUND) {
		enum python_found found = python_find(&python);
		refused = found == PYTHON_REFUSED;
		if (found == PYTHON_FOUND && pystack_found)
			pystack_found(&python);
		__atomic_store_n(&state, found == PYTHON_FOUND ? FOUND : refused ? OFF : NOT_FOUND, __ATOMIC_RELEASE);
	}
	lock_drop(&look_lock);
}

/* An interpreter that has not begun may go away again: its dlopen() fails, or it is unloaded. */
static COLD void look_whether_gone(void)
{
	if (!lock_try(&look_lock))
		return;
	if (state == FOUND && python_gone())
		__atomic_store_n(&state, NOT_FOUND, __ATOMIC_RELEASE);
	lock_drop(&look_lock);
}

const struct python *pystack_python(void)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
	return now == FOUND || now == READY ? &python : NULL;
}

/* The first allocation with an interpreter that has begun: hooks and reports it. */
static COLD void start(void)
{
	lock_take(&start_lock);
	if (state == FOUND && !python_name(&python)) {
		refused = true;
		__atomic_store_n(&state, OFF, __ATOMIC_RELEASE);
	}
	if (state == FOUND) {
		choose_walk();
		code_watch(&python);
		pystack_finalizing =
		    (const volatile uintptr_t *)(python.runtime + (uintptr_t)python.layout.rt_finalizing);
		uint32_t how = (python.layout.evaluator == EVALUATOR_NOTHING ? 0 : WIRE_PYTHON_RUNS) |
			       (underway ? WIRE_PYTHON_UNDERWAY : 0) |
			       (pycollector_find(&python) ? WIRE_PYTHON_COLLECTS : 0);
		ring_message(WIRE_PYTHON, how, &(struct piece){ python.version, strlen(python.version) }, 1);
		ring_put(WIRE_TYPE, python.type_type, 0, 0);
		__atomic_store_n(&state, READY, __ATOMIC_RELEASE);
	}
	lock_drop(&start_lock);
}

static COLD void tell_refusal(void)
{
	static const char head[] = "Python ", tail[] = " is not supported: recording without Python stacks";
	if (!__atomic_exchange_n(&refused, false, __ATOMIC_ACQ_REL))
		return;
	struct piece pieces[] = {
		{ head, sizeof head - 1 }, { python.version, strlen(python.version) }, { tail, sizeof tail - 1 }
	};
	ring_message(WIRE_WARN, 0, pieces, 3);
}

/* Not called in the usual state, READY. Returns false if there is no stack. */
static COLD bool prepare(void)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
	if (now == FOUND && is_opening())
		look_whether_gone();
	if (now != OFF && is_opening())
		count_opening();
	now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
	if (now == NOT_FOUND && is_time_to_look())
		look();
	if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == FOUND && python_begun(&python))
		start();
	now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
	if (now == OFF)
		tell_refusal();
	return now == READY;
}

bool pystack_underway(void)
{
	return underway;
}

bool pystack_may_call(void)
{
	const struct python *p = pystack_python();
	return p && (relocated || python_begun(p));
}

void pystack_init(bool in_constructor)
{
	int saved = errno;
	look();
	if (state == FOUND) {
		relocated = in_constructor;
		underway = python_begun(&python);
	}
	errno = saved;
}

/* A new epoch has begun during the walk. */
static COLD uint32_t walk_again(struct last_walk *t, uintptr_t ts)
{
	for (int i = 0; i < NODES_TRIES; i++) {
		uint32_t epoch = nodes_epoch();
		if (i > 0)
			nodes_allow_more();
		last_walk_begin(t, epoch);
		uint32_t node = walk_version(t, ts);
		if (nodes_same_epoch(epoch))
			return node;
	}
	t->n = 0;
	return NODE_ROOT;
}

#ifdef PYSTACK_VERIFY
struct pystack_counts pystack_counts;
bool pystack_naive, pystack_trusting, pystack_blind, pystack_generic;

static void check(uint32_t node, struct last_walk *t, uintptr_t ts)
{
	static const char text[] = "stack mismatch: the cached walk differs from the reference";
	if (state == OFF)		/* switched off during this walk */
		return;
	/* The reference takes time in proportion to the depth: check only some of the very deep stacks. */
	if (COUNT(captures) % 50 != 0 && t->n > 2000)
		return;
	if (pystack_reference(&python, ts) == node || !nodes_same_epoch(t->epoch))
		return;
	COUNT(mismatches);
	t->n = 0;		/* do not continue from a wrong stack */
	if (pystack_counts.mismatches <= 10)
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
}
#endif

static uint32_t capture(void)
{
	if (UNLIKELY(__atomic_load_n(&state, __ATOMIC_ACQUIRE) != READY) && !prepare())
		return NODE_ROOT;
	uintptr_t ts = pystack_thread_state(&python);
	if (!ts || UNLIKELY(is_finalizing(ts)) || UNLIKELY(code_busy()))
		return NODE_ROOT;
	struct last_walk *t = self;
	uint32_t epoch = nodes_epoch();
	if (UNLIKELY(!t || t->epoch != epoch) && !(t = self = last_walk_begin(self, epoch)))
		return NODE_ROOT;
	uint32_t node = walk_version(t, ts);
	if (UNLIKELY(!nodes_same_epoch(epoch)))
		node = walk_again(t, ts);
#ifdef PYSTACK_VERIFY
	check(node, t, ts);
#endif
	return UNLIKELY(t->n == 0) ? WIRE_NO_FRAME : node;
}

uint32_t pystack_capture(void)
{
	int saved = errno;
	uint32_t node = capture();
	errno = saved;
	return node;
}

bool pystack_last(struct pystack_last *last)
{
	const struct last_walk *t = self;
	if (UNLIKELY(!t || t->n == 0))
		return false;
	*last = (struct pystack_last){
		t->captures, t->ts, t->proven ? t->levels[t->proven - 1].frame : 0, t->n, t->proven, t
	};
	return true;
}

/*
 * The states of the parent's other threads are abandoned, not freed: they
 * may be inconsistent.
 */
void pystack_forked(void)
{
	start_lock = look_lock = (struct lock){ 0 };
	code_forked();
	nodes_forked();
	last_walk_forked(self);
	opening = opening_left != 0;
	if (state == READY) {
		state = FOUND;		/* report the interpreter in the child's own ring */
		underway = true;
	}
	lookups = 0;
}

void pystack_restarted(void)
{
	pycollector_forget();
	code_restarted();
	nodes_restarted();
	if (state == READY) {
		state = FOUND;
		underway = true;
	}
	lookups = 0;
}

void pystack_stop(void)
{
	pycollector_forget();
	if (pystack_python())
		code_unwatch();
}
