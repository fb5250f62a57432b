/*
 * native_walk.h - walks from the hook outwards to an unchanged frame, for native.c
 */
#ifndef NATIVE_WALK_H
#define NATIVE_WALK_H

#include <string.h>

#include "clock.h"
#include "memory.h"
#include "native_thread.h"
#include "python/pylayout.h"
#include "python/pystack.h"
#include "ring.h"

static COLD bool fresh_grow(struct native_thread *t)
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

/* The frames move: an fp_slot that points to its frame's own fp is adjusted. */
static COLD bool frames_grow(struct native_thread *t, uint32_t n)
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

#define NONE (-1)	/* no frame of the last walk is unchanged */
#define FAILED (-2)	/* no memory */

/* Returns whether stepping out of `inner` still leads to `outer`. */
static COLD bool step_again(const struct frame *inner, const struct frame *outer)
{
	struct cfi_frame f = { .pc = inner->pc, .sp = inner->sp, .fp = inner->fp };
	struct cfi_bounds bounds;
	cfi_stack(&bounds, inner->sp);
	enum cfi_step step = cfi_step(&f, &bounds);
	return (step == CFI_COMPLEX || step == CFI_CALLER) && f.pc == outer->pc && f.sp == outer->sp &&
	       (f.fp == outer->fp || !outer->fp_needed);
}

/* Returns whether older frames' frame pointers were read in frame i or in older ones. */
static inline bool saves_fp(const struct native_thread *t, uint32_t i)
{
	const struct frame *f = &t->frames[i], *caller = f - 1;
	return i == 0 || !caller->fp_needed || (caller->fp_slot >= f->sp && caller->fp_slot < caller->sp);
}

/*
 * A thread needs time to leave frames and to come back to equal ones. Each frame that it enters takes a store of a
 * return address, of which no processor does more than two per cycle; and a stack that is copied to its place
 * (greenlets) takes stores of at most 64 bytes, of which none does more than one per cycle. So below 8 GHz it is
 * less than:
 */
#define FRAMES_PER_NS 16u
#define BYTES_PER_NS 512u
/*
 * Running Python code takes longer: from entering the interpreter's loop to the call by which it is entered again are
 * hundreds of instructions, which no processor does in less than:
 */
#define LOOP_NS 4u
#define CLOCK_ERROR_NS 50u
#define DEEP 1024u		/* with fewer frames, rereading them costs less than two readings of the clock */

/* Sets away_ns, to the time since the last capture ended. Returns false if it is not known. */
static COLD bool find_away(struct native_thread *t)
{
	if (!t->away_ns && t->left_ns)
		t->away_ns = clock_ns() - t->left_ns + CLOCK_ERROR_NS;
	return t->away_ns != 0;
}

/* Adds the frames of the interpreter's loop up to frame `at` to t->loops. */
static COLD void find_loops(struct native_thread *t, uint32_t at)
{
	const struct python *python = pystack_python();
	while (t->n_loops && t->loops[t->n_loops - 1] >= t->loops_upto)
		t->n_loops--;
	for (; t->loops_upto <= at; t->loops_upto++) {
		if (!python || t->frames[t->loops_upto].pc - python->loop >= python->loop_size)
			continue;
		if (t->n_loops == t->loops_capacity) {
			uint32_t *p = pages_grow(t->loops, &t->loops_capacity, t->n_loops, sizeof *p);
			if (!p)
				return;
			t->loops = p;
		}
		t->loops[t->n_loops++] = t->loops_upto;
	}
}

/* Returns how many of the known evaluators are in frame `base` or older ones. */
static inline uint32_t evaluators_to(const struct native_thread *t, uint32_t base)
{
	uint32_t n = t->n_known;
	for (uint32_t step = n / 2; step > 16; step /= 2)	/* steps of halves: the frame may be much older */
		if (t->known[n - step].frame > base)
			n -= step;
	while (n > 0 && t->known[n - 1].frame > base)
		n--;
	return n;
}

/*
 * Returns a frame such that so many evaluators, or frames of the interpreter's loop, are between it and frame `at`;
 * 0: there are fewer.
 */
static COLD uint32_t frame_beyond_loops(struct native_thread *t, uint32_t at, uint64_t loops)
{
	if (t->n_known) {
		uint32_t n = evaluators_to(t, at);
		return n > loops ? t->known[n - 1 - loops].frame : 0;
	}
	find_loops(t, at);
	uint32_t n = t->n_loops;
	while (n > 0 && t->loops[n - 1] > at)
		n--;
	return n > loops ? t->loops[n - 1 - loops] : 0;
}

/*
 * Returns a frame such that no older frame can have been left and entered again since the last capture. Copying a
 * stack to its place enters frames in less time than calls, but only those of another greenlet: not if a Python frame
 * of this one has run since the last capture. Copied back, its own frames are what they were.
 */
static COLD uint32_t oldest_by_time(struct native_thread *t, uint32_t at)
{
	if (!find_away(t))
		return 0;
#ifdef NATIVE_VERIFY
	if (native_blind)
		t->away_ns = 1;
#endif
	uint32_t i = frame_beyond_loops(t, at, t->away_ns / LOOP_NS + 1);
	if (at / FRAMES_PER_NS > t->away_ns && i < at - (uint32_t)t->away_ns * FRAMES_PER_NS)
		i = at - (uint32_t)t->away_ns * FRAMES_PER_NS;
	uintptr_t end = t->frames[at].sp + t->away_ns * BYTES_PER_NS;
	if (t->same_stack)
		end = 0;
	while (i > 0 && (t->frames[i].sp < end || !saves_fp(t, i)))
		i--;
	return i;
}

/* Returns the newest frame older than `at` and not older than `oldest` that has changed, or -1. */
static inline int64_t first_changed(const struct native_thread *t, uint32_t at, uint32_t oldest)
{
	bool complex = false;
	for (uint32_t i = at; i-- > oldest;) {
		const struct frame *f = &t->frames[i];
		if (UNLIKELY(*(volatile uintptr_t *)f->ip_slot != f->pc + CFI_CALL_BYTES) ||
		    (UNLIKELY(*(volatile uintptr_t *)f->fp_slot != f->fp) && f->fp_needed))
			return i;
		complex |= f->complex;
	}
	if (UNLIKELY(complex))
		for (uint32_t i = at; i-- > oldest;)
			if (t->frames[i].complex && !step_again(&t->frames[i + 1], &t->frames[i]))
				return i;
	return -1;
}

/*
 * Frame `at` is unchanged. Checks the older ones, one after the other: only if a frame
 * is unchanged are its caller's slots known to be readable. Those that cannot have changed are not read:
 * frames older than the newest evaluator that is the same call as before, and frames so much older than `at` that
 * there was no time to enter them again. Returns -1 if all are unchanged, or the
 * newest that is not; some older ones may be.
 */
static inline int64_t outer_changed(struct native_thread *t, uint32_t at)
{
	uint32_t oldest = t->same_frame;
	if (UNLIKELY(at > oldest + DEEP) && at < t->n_current) {
		uint32_t by_time = oldest_by_time(t, at);
		oldest = by_time > oldest ? by_time : oldest;
	}
	int64_t changed = first_changed(t, at, oldest);
#ifdef NATIVE_VERIFY
	static const char text[] = "a frame changed that was proved unchanged";
	if (changed < 0 && oldest > 0 && first_changed(t, at < oldest ? at : oldest, 0) >= 0)
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
#endif
	return changed;
}

static uintptr_t own_start, own_end;	/* the agent's code */

static inline bool is_own(uintptr_t pc)
{
	return pc - own_start < own_end - own_start;
}

/* Adds the step just made to this walk. */
static inline __attribute__((always_inline)) void walked_add(struct native_thread *t, const struct cfi_frame *f)
{
	struct cached_walk *walked = &t->walked;
	if (LIKELY(walked->n < WALK_MOST)) {
		walked->address[walked->n].slot = f->ip_slot;
		walked->address[walked->n].word = f->pc + CFI_CALL_BYTES;
	}
	walked->n++;
	if (f->fp_slot)
		walked->fp_slot = f->fp_slot;
}

static inline __attribute__((always_inline)) enum cfi_step unwind_cached(struct native_thread *t, struct cfi_frame *f,
									 struct cfi_bounds *bounds)
{
	struct cached_unwind *l = &t->unwinds[(f->sp >> 3 ^ f->pc ^ f->pc >> 8) & (UNWINDS - 1)];
	if (LIKELY(l->pc == f->pc && l->sp == f->sp && ((l->fp ^ f->fp) & l->fp_matters) == 0) &&
	    LIKELY(*(volatile uintptr_t *)l->ip_slot == l->caller_pc + CFI_CALL_BYTES)) {
		f->pc = l->caller_pc;
		f->sp = l->caller_sp;
		f->ip_slot = l->ip_slot;
		f->fp_slot = l->fp_slot;
		if (l->fp_slot)
			f->fp = *(volatile uintptr_t *)l->fp_slot;
		t->step_by_sp = l->fp_matters == 0;
		walked_add(t, f);
		return CFI_CALLER;
	}
	uintptr_t pc = f->pc, sp = f->sp, fp = f->fp;
	enum cfi_step step = cfi_step(f, bounds);
	t->step_by_sp = step == CFI_CALLER && cfi_is_by_sp(pc);
	if (LIKELY(step == CFI_CALLER)) {
		l->pc = 0;		/* invalid, in case a signal handler jumps away from here */
		__asm__ volatile("" ::: "memory");
		l->sp = sp;
		l->fp = fp;
		l->fp_matters = t->step_by_sp ? 0 : UINTPTR_MAX;
		l->caller_pc = f->pc;
		l->caller_sp = f->sp;
		l->ip_slot = f->ip_slot;
		l->fp_slot = f->fp_slot;
		__asm__ volatile("" ::: "memory");
		l->pc = pc;
		walked_add(t, f);
	}
	return step;
}

/*
 * Walks from `f` outwards. Stores new frames in t->fresh; returns the oldest-first
 * index of the newest unchanged frame, NONE, or FAILED. *keep: the next walk may
 * use this one.
 */
static inline int64_t walk(struct native_thread *t, struct cfi_frame f, bool *keep)
{
	struct cfi_bounds bounds;
	int64_t j = (int64_t)t->n - 1;
	uint32_t n = 0;
	enum cfi_step step = CFI_CALLER;
	cfi_stack(&bounds, f.sp);
	*keep = true;
	t->walked.pc = f.pc;
	t->walked.sp = f.sp;
	t->walked.n = 0;
	t->walked.fp_slot = 0;
	t->by_sp = t->step_by_sp = true;
	for (;; step = UNLIKELY(step == CFI_SIGNAL) ? cfi_step_copied(&f, &bounds) : unwind_cached(t, &f, &bounds)) {
		t->by_sp &= t->step_by_sp;
		if (n > 0)
			t->fresh[n - 1].fp_needed = !t->step_by_sp;
		if (step == CFI_END) {
			j = NONE;
			break;
		}
		while (j >= 0 && t->frames[j].sp < f.sp)
			j--;
		if (j >= 0 && t->frames[j].sp == f.sp && t->frames[j].pc == f.pc &&
		    (t->frames[j].fp == f.fp || !t->frames[j].fp_needed)) {
			int64_t changed = outer_changed(t, (uint32_t)j);
			if (LIKELY(changed < 0))
				break;
			j = changed - 1;
		}
		if (n == 0 && is_own(f.pc))
			continue;
		if (UNLIKELY(step == CFI_SIGNAL || f.ip_slot == 0)) {	/* rare, so such a stack is not kept */
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
		if (UNLIKELY(step == CFI_SIGNAL))
			t->step_by_sp = false;
	}
	t->n_fresh = n;
	return j;
}

/*
 * Copies a frame that was just written word by word in the same way, because the
 * processor cannot forward two recent stores to one wide load.
 */
static inline void frame_copy(struct frame *to, const struct frame *from, const struct frame *outer)
{
	const volatile struct frame *p = from;
	to->pc = p->pc;
	to->sp = p->sp;
	to->fp = p->fp;
	to->ip_slot = p->ip_slot;
	to->fp_slot = p->fp_slot ? p->fp_slot : (uintptr_t)&to->fp;
	to->runs = 0;
	to->complex = p->complex;
	to->fp_needed = p->fp_needed || (outer && outer->fp_needed && outer->fp_slot == (uintptr_t)&outer->fp);
}

/* Puts the fresh frames on top of the first `n`, which are unchanged. */
static inline bool put_fresh(struct native_thread *t, uint32_t n)
{
	t->n = n;
	if (UNLIKELY(t->loops_upto > n))
		t->loops_upto = n;
	if (UNLIKELY(n + t->n_fresh > t->capacity) && !frames_grow(t, n + t->n_fresh))
		return false;
	for (uint32_t i = t->n_fresh; i > 0; i--, t->n++)
		frame_copy(&t->frames[t->n], &t->fresh[i - 1], t->n ? &t->frames[t->n - 1] : NULL);
	return true;
}

/* ---------------------------------------------------------------- cached walks */

static inline struct cached_walk *walk_slot(struct native_thread *t, const struct cfi_frame *begin, uint32_t python)
{
	return &t->walks[(begin->sp >> 3 ^ begin->pc ^ (uint64_t)python << 7) * 0x9E3779B97F4A7C15u >>
			 (64 - LOG2_WALKS)];
}

/* Returns whether a walk from `begin` would be the same as the cached one. Does not compare evaluators. */
static inline bool walk_holds(struct native_thread *t, const struct cached_walk *walked,
			      const struct cfi_frame *begin, uint32_t python)
{
	if (walked->n == 0 || walked->pc != begin->pc || walked->sp != begin->sp || walked->python != python ||
	    walked->base >= t->n)
		return false;
	const struct frame *base = &t->frames[walked->base];
#ifdef NATIVE_VERIFY
	if (native_blind)
		return true;
#endif
	for (uint32_t i = 0; i < walked->n; i++)
		if (UNLIKELY(*(volatile uintptr_t *)walked->address[i].slot != walked->address[i].word))
			return false;
	return base->pc == walked->address[walked->n - 1].word - CFI_CALL_BYTES && base->sp == walked->base_sp &&
	       base->node == walked->base_node &&
	       (!base->fp_needed ||
		base->fp == (walked->fp_slot ? *(volatile uintptr_t *)walked->fp_slot : begin->fp)) &&
	       outer_changed(t, walked->base) < 0;
}

/*
 * Stores the walk just made, up to frame `base`, which was unchanged. That frame and older ones
 * hold the first `known` evaluators. `place` is walk_slot()'s.
 */
static inline void walk_store(const struct native_thread *t, struct cached_walk *place, uint32_t base, uint32_t known,
			      uint32_t python, uint32_t node)
{
	const struct cached_walk *walked = &t->walked;
	if (!t->by_sp || walked->n == 0 || walked->n > WALK_MOST || t->n_known - known > WALK_EVALUATORS)
		return;
	place->n = 0;			/* invalid, in case a signal handler jumps away from here */
	__asm__ volatile("" ::: "memory");
	place->pc = walked->pc;
	place->sp = walked->sp;
	place->base = base;
	place->base_node = t->frames[base].node;
	place->base_sp = t->frames[base].sp;
	place->python = python;
	place->node = node;
	place->fp_slot = walked->fp_slot;
	place->n_evaluators = t->n_known - known;
	for (uint32_t i = known; i < t->n_known; i++)
		place->evaluator[i - known] = t->known[i];
	for (uint32_t i = 0; i < walked->n; i++)
		place->address[i] = walked->address[i];
	__asm__ volatile("" ::: "memory");
	place->n = walked->n;
}

#endif
