/*
 * native.c - the calling thread's stack of C functions
 *
 * A stack is mostly the last one. Each thread keeps its last walk, oldest frame
 * first. Frames are found by unwinding (cfi.h) from the newest outwards until
 * one is in the very state (pc, sp, fp) it was in before. What lies beyond is
 * determined by that state and by the words that unwinding it had read: the
 * return addresses and saved frame pointers. They are read again, two a frame,
 * and if all are what they were, so is the rest of the stack: by induction, not
 * by likelihood. Frames that needed more than those words are stepped anew.
 *
 * Then Python: each evaluator among the frames gets the number of Python frames
 * it runs (evaluators.c). A node is a frame with that number; and a pair of
 * such a stack with a Python stack is a node again, which the collector
 * unfolds once into one stack of both.
 */
#include "native.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "cfi.h"
#include "claims.h"
#include "got.h"
#include "nodes.h"
#include "ring.h"
#include "../wire.h"

#define FIRST_FRAMES 256u

struct frame {
	uintptr_t pc, sp, fp;
	uintptr_t ip_slot, fp_slot;	/* where pc's return address and fp were read; fp_slot may be &fp */
	uint32_t node;
	uint16_t runs;			/* wire.h: WIRE_RUNS() */
	bool complex;			/* finding it took more reads than those */
};

/* A node found before, in front of the table of all. */
struct step {
	uint64_t what;
	uint32_t parent, node;		/* node 0: the entry is free */
};

/*
 * A step outwards made before. Where it leads follows from the frame's pc and
 * sp (and fp, if the rule asks for that), and it is taken again if the return
 * address that was read then is still there. That is compared, but the next
 * step need not wait for it, as it would for the rule and the word.
 */
struct leap {
	uintptr_t pc, sp, fp;
	uintptr_t fp_matters;		/* all bits or none */
	uintptr_t caller_pc, caller_sp, ip_slot, fp_slot;
};

/*
 * A few frames on top of a node, as a program's loop puts them there again and
 * again: their nodes at one look, and that of their pair with a Python stack.
 */
#define PATH_MOST 8u
struct path {
	uint32_t from, n;		/* n 0: the entry is free */
	uint32_t python, pair;		/* python 0: no pair yet */
	uint64_t what[PATH_MOST];
	uint32_t node[PATH_MOST];
};

#define LOG2_STEPS 9
#define LOG2_PATHS 6
#define LEAPS 1024u

struct thread {
	struct claim claim;
	struct frame *frames;		/* the last walk, oldest first */
	struct frame *fresh;		/* found in this walk, newest first */
	uint32_t n, n_fresh, capacity, fresh_capacity;
	uint32_t generation;
	bool unkept;			/* the last walk cannot serve this one */
	struct evaluators now;
	struct evaluator *known;	/* the last walk's evaluators, oldest first */
	uint32_t n_known, known_capacity;
	uint32_t flushes;		/* of rules, as far as the leaps know */
	struct path *path;		/* of this capture, or NULL */
	struct step steps[1u << LOG2_STEPS];
	struct path paths[1u << LOG2_PATHS];
	struct leap leaps[LEAPS] __attribute__((aligned(64)));
};

bool native_on;
static struct claims threads;
static __thread struct thread *self __attribute__((tls_model("initial-exec")));
static uint32_t generation = 1;		/* of code addresses: one more when code went away that numbers were given to */
static uint32_t flushes = 1;		/* of rules: one more when any code went away */
static uintptr_t own_start, own_end;	/* the agent's code */

#ifdef NATIVE_VERIFY
bool native_no_flush;
#endif

/* ---- a thread's state ---- */

static COLD struct thread *thread_begin(void)
{
	struct thread *t = (struct thread *)claims_take(&threads);
	if (!t) {
		t = pages_new(sizeof *t);
		if (!t)
			return NULL;
		t->frames = pages_new(FIRST_FRAMES * sizeof *t->frames);
		t->fresh = pages_new(FIRST_FRAMES * sizeof *t->fresh);
		t->capacity = t->fresh_capacity = FIRST_FRAMES;
		if (!t->frames || !t->fresh) {
			pages_free(t->frames, FIRST_FRAMES * sizeof *t->frames);
			pages_free(t->fresh, FIRST_FRAMES * sizeof *t->fresh);
			pages_free(t, sizeof *t);
			return NULL;
		}
		claims_add(&threads, &t->claim);
	}
	t->generation = t->flushes = 0;		/* whatever they were before */
	self = t;
	return t;
}

static COLD bool fresh_grow(struct thread *t)
{
	struct frame *p = pages_new(2 * t->fresh_capacity * sizeof *p);
	if (!p)
		return false;
	memcpy(p, t->fresh, t->n_fresh * sizeof *p);
	pages_free(t->fresh, t->fresh_capacity * sizeof *p);
	t->fresh = p;
	t->fresh_capacity *= 2;
	return true;
}

/* The frames move: those whose frame pointer is the callee's point into themselves. */
static COLD bool frames_grow(struct thread *t, uint32_t n)
{
	uint32_t capacity = t->capacity;
	while (capacity < n)
		capacity *= 2;
	struct frame *p = pages_new(capacity * sizeof *p);
	if (!p)
		return false;
	memcpy(p, t->frames, t->n * sizeof *p);
	for (uint32_t i = 0; i < t->n; i++)
		if (p[i].fp_slot == (uintptr_t)&t->frames[i].fp)
			p[i].fp_slot = (uintptr_t)&p[i].fp;
	pages_free(t->frames, t->capacity * sizeof *p);
	t->frames = p;
	t->capacity = capacity;
	return true;
}

/* ---- the walk ---- */

#define NONE (-1)	/* no frame of the last walk stands */
#define FAILED (-2)	/* no memory */

/* Does stepping out of `inner` still lead to `outer`? */
static COLD bool step_again(const struct frame *inner, const struct frame *outer)
{
	struct cfi_frame f = { .pc = inner->pc, .sp = inner->sp, .fp = inner->fp };
	struct cfi_bounds bounds;
	cfi_stack(&bounds, inner->sp);
	enum cfi_step step = cfi_step(&f, &bounds);
	return (step == CFI_COMPLEX || step == CFI_CALLER) && f.pc == outer->pc && f.sp == outer->sp && f.fp == outer->fp;
}

/* Frame `at` is in the state it was in. Are those beyond it? */
static inline bool outer_stand(const struct thread *t, uint32_t at)
{
	uintptr_t different = 0;
	bool complex = false;
	for (uint32_t i = at; i-- > 0;) {
		const struct frame *f = &t->frames[i];
		different |= *(volatile uintptr_t *)f->ip_slot ^ (f->pc + CFI_CALL_BYTES);
		different |= *(volatile uintptr_t *)f->fp_slot ^ f->fp;
		complex |= f->complex;
	}
	if (different)
		return false;
	if (UNLIKELY(complex))
		for (uint32_t i = at; i-- > 0;)
			if (t->frames[i].complex && !step_again(&t->frames[i + 1], &t->frames[i]))
				return false;
	return true;
}

static inline bool is_own(uintptr_t pc)
{
	return pc - own_start < own_end - own_start;
}

static inline __attribute__((always_inline)) enum cfi_step leap(struct thread *t, struct cfi_frame *f, struct cfi_bounds *bounds)
{
	struct leap *l = &t->leaps[(f->sp >> 3 ^ f->pc ^ f->pc >> 8) & (LEAPS - 1)];
	if (LIKELY(l->pc == f->pc && l->sp == f->sp && ((l->fp ^ f->fp) & l->fp_matters) == 0) &&
	    LIKELY(*(volatile uintptr_t *)l->ip_slot == l->caller_pc + CFI_CALL_BYTES)) {
		f->pc = l->caller_pc;
		f->sp = l->caller_sp;
		f->ip_slot = l->ip_slot;
		f->fp_slot = l->fp_slot;
		if (l->fp_slot)
			f->fp = *(volatile uintptr_t *)l->fp_slot;
		return CFI_CALLER;
	}
	uintptr_t pc = f->pc, sp = f->sp, fp = f->fp;
	enum cfi_step step = cfi_step(f, bounds);
	if (LIKELY(step == CFI_CALLER)) {
		l->pc = 0;		/* nobody's, should a signal handler jump away from here */
		__asm__ volatile("" ::: "memory");
		l->sp = sp;
		l->fp = fp;
		l->fp_matters = cfi_is_by_sp(pc) ? 0 : UINTPTR_MAX;
		l->caller_pc = f->pc;
		l->caller_sp = f->sp;
		l->ip_slot = f->ip_slot;
		l->fp_slot = f->fp_slot;
		__asm__ volatile("" ::: "memory");
		l->pc = pc;
	}
	return step;
}

/*
 * Walk from `f` outwards. What is new is in t->fresh; returns the oldest-first
 * index of the newest frame that stands as it was. *keep: the walk may serve
 * as the next one's last.
 */
static inline int64_t walk(struct thread *t, struct cfi_frame f, bool *keep)
{
	struct cfi_bounds bounds;
	int64_t j = (int64_t)t->n - 1;
	uint32_t n = 0;
	enum cfi_step step = CFI_CALLER;
	cfi_stack(&bounds, f.sp);
	*keep = true;
	for (;; step = UNLIKELY(step == CFI_SIGNAL) ? cfi_step_copied(&f, &bounds) : leap(t, &f, &bounds)) {
		if (step == CFI_END) {
			j = NONE;
			break;
		}
		while (j >= 0 && t->frames[j].sp < f.sp)
			j--;
		if (j >= 0 && t->frames[j].sp == f.sp && t->frames[j].pc == f.pc && t->frames[j].fp == f.fp) {
			if (LIKELY(outer_stand(t, (uint32_t)j)))
				break;
			j = NONE;
		}
		if (n == 0 && is_own(f.pc))
			continue;
		if (UNLIKELY(step == CFI_SIGNAL || f.ip_slot == 0)) {	/* such a stack is not kept: it is rare */
			*keep = false;
			j = NONE;
		}
		if (UNLIKELY(n == t->fresh_capacity)) {
			t->n_fresh = n;
			if (!fresh_grow(t))
				return FAILED;
		}
		struct frame *fresh = &t->fresh[n++];
		fresh->pc = f.pc;
		fresh->sp = f.sp;
		fresh->fp = f.fp;
		fresh->ip_slot = f.ip_slot;
		fresh->fp_slot = f.fp_slot;
		fresh->complex = step == CFI_COMPLEX;
	}
	t->n_fresh = n;
	return j;
}

/*
 * A frame that was written a moment ago, word by word, is copied likewise: the
 * processor does not hand on two fresh words in one wide load.
 */
static inline void frame_copy(struct frame *to, const struct frame *from)
{
	const volatile struct frame *p = from;
	to->pc = p->pc;
	to->sp = p->sp;
	to->fp = p->fp;
	to->ip_slot = p->ip_slot;
	to->fp_slot = p->fp_slot ? p->fp_slot : (uintptr_t)&to->fp;
	to->runs = 0;
	to->complex = p->complex;
}

/* The first `n` frames stand; the fresh ones come on top. */
static inline bool put_fresh(struct thread *t, uint32_t n)
{
	t->n = n;
	if (UNLIKELY(n + t->n_fresh > t->capacity) && !frames_grow(t, n + t->n_fresh))
		return false;
	for (uint32_t i = t->n_fresh; i > 0; i--)
		frame_copy(&t->frames[t->n++], &t->fresh[i - 1]);
	return true;
}

/* ---- evaluators ---- */

static COLD bool known_grow(struct thread *t, uint32_t n)
{
	uint32_t capacity = t->known_capacity ? t->known_capacity : 256;
	while (capacity < n)
		capacity *= 2;
	struct evaluator *p = pages_new(capacity * sizeof *p);
	if (!p)
		return false;
	if (t->n_known)
		memcpy(p, t->known, t->n_known * sizeof *p);
	pages_free(t->known, t->known_capacity * sizeof *p);
	t->known = p;
	t->known_capacity = capacity;
	return true;
}

/* Does frame i's part of the stack hold this address? */
static inline bool frame_holds(const struct thread *t, uint32_t i, uintptr_t at)
{
	return at >= t->frames[i].sp && (i == 0 || at < t->frames[i - 1].sp);
}

/*
 * Give the evaluators among the frames their numbers of Python frames. The
 * first `kept` frames have them from the last walk; returns how many of
 * those stand in this one too.
 */
static inline uint32_t mark_evaluators(struct thread *t, uint32_t kept, bool python)
{
	uint32_t n = 0, same = 0, changed = kept;
	if (python) {
		evaluators_read(&t->now);
		n = t->now.n;
	}
	const struct evaluator *newest = t->now.e;
	while (same < n && same < t->n_known && t->known[same].at == newest[n - 1 - same].at &&
	       t->known[same].frames == newest[n - 1 - same].frames && t->known[same].frame < kept)
		same++;
	for (uint32_t i = t->n_known; i-- > same;)		/* those that went, or run other frames; oldest last */
		if (t->known[i].frame < kept) {
			changed = t->known[i].frame;
			t->frames[changed].runs = 0;
		}
	if (UNLIKELY(n > t->known_capacity) && !known_grow(t, n)) {
		t->n_known = 0;
		return 0;
	}
	uint32_t at = same ? t->known[same - 1].frame + 1 : 0;
	t->n_known = same;
	for (uint32_t i = same; i < n; i++) {
		const struct evaluator *e = &newest[n - 1 - i];
		uint32_t k = at;
		while (k < t->n && !frame_holds(t, k, e->at))
			k++;
		if (k == t->n)		/* it lies beyond what could be unwound: the collector puts its frames outermost */
			continue;
		t->frames[k].runs = WIRE_RUNS(e->frames);
		if (k < changed)
			changed = k;
		t->known[t->n_known++] = (struct evaluator){ e->at, e->frames, k };
		at = k + 1;
	}
	return changed;
}

/* ---- numbers ---- */

static COLD uint32_t find_node(struct step *step, uint8_t kind, uint32_t parent, uint64_t what, uintptr_t pc)
{
	uint32_t node = node_known(parent, what);
	if (node == 0) {
		if (kind == WIRE_NATIVE)
			module_of(pc);
		node = node_add(kind, parent, what);
	}
	if (node != NODE_NONE)
		*step = (struct step){ what, parent, node };
	return node;
}

static inline uint32_t node_of(struct thread *t, uint8_t kind, uint32_t parent, uint64_t what, uintptr_t pc)
{
	uint64_t h = (what ^ (uint64_t)parent << 20) * 0x9E3779B97F4A7C15u;
	struct step *step = &t->steps[h >> (64 - LOG2_STEPS)];
	if (LIKELY(step->what == what && step->parent == parent && step->node != 0))
		return step->node;
	return find_node(step, kind, parent, what, pc);
}

/* Give the frames from `changed` on their nodes, under `node`. False: no memory. */
static bool name_each(struct thread *t, uint32_t changed, uint32_t node)
{
	for (uint32_t i = changed; i < t->n; i++) {
		struct frame *f = &t->frames[i];
		if (LIKELY(!is_own(f->pc))) {	/* else the agent's own, as when a code object dies: not to be seen */
			node = node_of(t, WIRE_NATIVE, node, f->pc | (uint64_t)f->runs << 48, f->pc);
			if (UNLIKELY(node == NODE_NONE)) {
				t->n = i;
				return false;
			}
		}
		f->node = node;
	}
	return true;
}

/* The path of the frames from `first` on, or the entry where it belongs; *found tells which. */
static inline struct path *find_path(struct thread *t, uint32_t from, uint32_t first, bool *found)
{
	uint32_t n = t->n - first;
	uint64_t what[PATH_MOST], h = from, different = 0;
	for (uint32_t i = 0; i < n; i++) {
		what[i] = t->frames[first + i].pc | (uint64_t)t->frames[first + i].runs << 48;
		h += what[i] << i;
	}
	struct path *p = &t->paths[h * 0x9E3779B97F4A7C15u >> (64 - LOG2_PATHS)];
	*found = p->from == from && p->n == n;
	for (uint32_t i = 0; i < n; i++)
		different |= p->what[i] ^ what[i];
	*found &= different == 0;
	if (UNLIKELY(!*found)) {
		memcpy(p->what, what, n * sizeof *what);
		p->from = from;
		p->n = p->python = 0;
	}
	return p;
}

/* The same as name_each(), for few frames by a path. */
static inline bool name_frames(struct thread *t, uint32_t changed)
{
	uint32_t from = changed ? t->frames[changed - 1].node : WIRE_NATIVE_ROOT | t->generation, n = t->n - changed;
	bool found;
	t->path = NULL;
	if (n == 0 || n > PATH_MOST)
		return name_each(t, changed, from);
	struct path *p = find_path(t, from, changed, &found);
	if (LIKELY(found)) {
		for (uint32_t i = 0; i < n; i++)
			t->frames[changed + i].node = p->node[i];
	} else {
		if (!name_each(t, changed, from))
			return false;
		for (uint32_t i = 0; i < n; i++)
			p->node[i] = t->frames[changed + i].node;
		p->n = n;
	}
	t->path = p;
	return true;
}

static inline uint32_t pair_of(struct thread *t, uint32_t native, uint32_t python)
{
	struct path *p = t->path;
	if (LIKELY(p && p->python == python))
		return p->pair;
	uint32_t pair = node_of(t, WIRE_HYBRID, native, python | 1ull << 63, 0);
	if (UNLIKELY(pair == NODE_NONE))
		return python;
	if (p) {
		p->python = python;
		p->pair = pair;
	}
	return pair;
}

/* Rules were forgotten: so must be what was found by them. */
static COLD void forget_leaps(struct thread *t)
{
	memset(t->leaps, 0, sizeof t->leaps);
	t->flushes = __atomic_load_n(&flushes, __ATOMIC_ACQUIRE);
	t->n = t->n_known = 0;
}

static void thread_reset(struct thread *t)
{
	t->n = t->n_known = 0;
	memset(t->steps, 0, sizeof t->steps);
	memset(t->paths, 0, sizeof t->paths);
	t->generation = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

static inline uint32_t capture(struct thread *t, const struct cfi_frame *begin)
{
	uint32_t python = pystack_capture();
	if (UNLIKELY(t->generation != __atomic_load_n(&generation, __ATOMIC_ACQUIRE)))
		thread_reset(t);
	if (UNLIKELY(t->flushes != __atomic_load_n(&flushes, __ATOMIC_ACQUIRE)))
		forget_leaps(t);
	if (UNLIKELY(t->unkept))
		t->n = t->n_known = 0;
	t->unkept = false;
	bool keep;
	int64_t stands = walk(t, *begin, &keep);
	uint32_t kept = (uint32_t)(stands + 1);
	if (UNLIKELY(stands == FAILED) || UNLIKELY(!put_fresh(t, kept))) {
		thread_reset(t);
		return python;
	}
	uint32_t changed = mark_evaluators(t, kept, python != NODE_ROOT);
	bool named = name_frames(t, changed);
	uint32_t native = named && t->n ? t->frames[t->n - 1].node : 0;
	if (UNLIKELY(!keep))
		t->unkept = true;
	if (UNLIKELY(native == 0 || (int32_t)native < 0))
		return python;
	return python == NODE_ROOT ? native : pair_of(t, native, python);
}

uint32_t native_capture(const struct cfi_frame *begin)
{
	int saved = errno;
	struct thread *t = self;
	if (UNLIKELY(!t) && !(t = thread_begin()))
		return pystack_capture();
	uint32_t node = capture(t, begin);
	errno = saved;
	return node;
}

#ifdef NATIVE_VERIFY
uint32_t native_frames(uintptr_t *pc, uint32_t n)
{
	uint32_t k = 0;
	for (uint32_t i = self->n; i > 0 && k < n; i--)
		pc[k++] = self->frames[i - 1].pc;
	return k;
}
#endif

/* ---- code that goes away ---- */

static int (*real_dlclose)(void *);

/*
 * Not only a hook for us: any address may be another function's from here on.
 * Rules are forgotten after the unloading; numbers given to addresses too, if
 * one of the objects we had told of is gone.
 */
HOOK int dlclose(void *handle)
{
	if (UNLIKELY(!real_dlclose))
		*(void **)&real_dlclose = got_real("dlclose");
	if (UNLIKELY(!real_dlclose))
		return -1;
	int r = real_dlclose(handle);
	if (!native_on)
		return r;
#ifdef NATIVE_VERIFY
	if (native_no_flush)
		return r;
#endif
	int saved = errno;
	cfi_flush();
	__atomic_add_fetch(&flushes, 1, __ATOMIC_RELEASE);
	if (modules_unloaded())
		__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
	errno = saved;
	return r;
}

void native_init(void)
{
	struct dl_find_object self_object;
	extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
	if (!_dl_find_object || _dl_find_object(__builtin_return_address(0), &self_object) != 0) {
		static const char text[] = "this C library is older than 2.35: recording without native stacks";
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
		return;
	}
	own_start = (uintptr_t)self_object.dlfo_map_start;
	own_end = (uintptr_t)self_object.dlfo_map_end;
	native_on = true;
}

void native_forked(void)
{
	evaluators_forked();
	modules_forked();
	claims_forked(&threads, self ? &self->claim : NULL);
	if (self)
		thread_reset(self);
}

void native_restarted(void)
{
	cfi_flush();
	modules_forked();
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
}
