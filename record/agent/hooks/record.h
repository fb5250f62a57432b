/*
 * record.h - recording one event from a hook, inlined
 */
#ifndef RECORD_H
#define RECORD_H

#include "native/native.h"
#include "python/pycollector.h"
#include "python/pymem.h"
#include "python/pystack.h"
#include "ring.h"
#include "sampler.h"

static inline uint8_t guard_set(uint8_t guard)
{
	uint8_t old = ring_local.guard;
	ring_local.guard = guard;
	__asm__ volatile("" ::: "memory");
	return old;
}

static inline void guard_reset(uint8_t guard)
{
	__asm__ volatile("" ::: "memory");
	ring_local.guard = guard;
}

#define REAL(call) \
	__extension__({ \
		uint8_t guard_ = guard_set(GUARD_DROP); \
		__auto_type result_ = (call); \
		guard_reset(guard_); \
		result_; \
	})

/* Records an allocation with its stack. The thread is known to the ring, and its guard is GUARD_NONE. */
static inline void record_stack(uint8_t kind, void *p, size_t n)
{
	guard_set(GUARD_CAPTURE);
	if (LIKELY(*ring_state == RING_ON)) {	/* still: see ring_enter() */
		uint32_t stack;
		if (UNLIKELY(native_on)) {
			struct cfi_frame begin;
			CFI_BEGIN(&begin);
			stack = native_capture(&begin);
		} else {
			stack = pystack_capture();
		}
		ring_put_inline(kind, (uintptr_t)p, n, stack);
	}
	guard_reset(GUARD_NONE);
}

static inline bool is_mapping(uint8_t kind)
{
	return kind == WIRE_MMAP || kind == WIRE_MREMAP || kind == WIRE_MMAP_RESERVED || kind == WIRE_MMAP_FILE ||
	       kind == WIRE_ARENA || kind == WIRE_PROTECT;
}

static inline bool is_of_python(uint8_t kind)
{
	return kind == WIRE_PYMALLOC_MALLOC || kind == WIRE_PYMALLOC_CALLOC || kind == WIRE_PYMALLOC_REALLOC;
}

/*
 * With --sample: returns whether this allocation is recorded. Mappings always are: they are few, and may be freed in
 * parts. Blocks of Python's allocators are chosen in pymem.c; here they come only from a call that began in the last
 * session.
 */
static inline bool is_chosen(uint8_t kind, const void *p, size_t n)
{
	if (is_mapping(kind))
		return true;
	if (is_of_python(kind) || LIKELY(!sampler_chooses(n)))
		return false;
	sampler_add(p);
	return true;
}

/* Returns whether it is recorded. */
static inline bool record_alloc(uint8_t kind, void *p, size_t n)
{
	if (UNLIKELY(ring_local.guard != GUARD_NONE)) {
		if (ring_local.guard != GUARD_CAPTURE || !ring_on() || (sampler_mean && !is_chosen(kind, p, n)))
			return false;
		ring_put_inline(kind, (uintptr_t)p, n, 0);
		return true;
	}
	if (UNLIKELY(!ring_on())) {
		if (sampler_mean)
			sampler_rest();
		return false;
	}
	if (UNLIKELY(ring_local.generation != ring_generation))
		ring_new_thread();
	if (UNLIKELY(sampler_mean != 0) && !is_chosen(kind, p, n))
		return false;
	record_stack(kind, p, n);
	return true;
}

/* Called by the C library's hooks before they record: Python's allocators may have to be checked again. */
static inline void look_after_python(void)
{
	if (UNLIKELY(pymem_wanted) && ring_local.guard == GUARD_NONE && ring_on()) {
		guard_set(GUARD_DROP);
		pymem_check();
		guard_reset(GUARD_NONE);
	}
}

/*
 * Calls made inside Python's allocator are not recorded, except frees of memory
 * that may have been allocated before the hooks were installed: for it, the outer free named an
 * address that the collector does not know (the debug allocator's), or there was none (an arena).
 */
static inline bool recording(void)
{
	return ring_local.guard < (pymem_late ? GUARD_DROP : GUARD_PYTHON) && ring_on();
}

/* Whether it ends a block, so that --sample leaves it out unless the block may be a sampled one. */
static inline bool is_end(uint8_t kind)
{
	return kind == WIRE_FREE || kind == WIRE_PYMALLOC_FREE || kind == WIRE_REALLOC_BEGIN;
}

/* Returns the circumstances of a call that frees memory, for `stack` of its record. */
static inline uint32_t circumstances(uint8_t kind)
{
	uint32_t how = ring_local.guard == GUARD_PYTHON ? WIRE_NESTED : 0;
	if ((kind == WIRE_FREE || kind == WIRE_PYMALLOC_FREE) && UNLIKELY(*pycollector_running != 0) &&
	    pycollector_may_be_here())
		how |= WIRE_COLLECTED;
	return how;
}

/* Returns whether it is recorded. */
static inline bool record(uint8_t kind, const void *p, size_t n)
{
	if (UNLIKELY(*pystack_finalizing) && recording())
		pystack_tell_finalizing();
	if (UNLIKELY(!recording()))
		return false;
	if (is_end(kind) && UNLIKELY(sampler_mean != 0) && LIKELY(!sampler_may_have(p)))
		return false;
	ring_put_inline(kind, (uintptr_t)p, n, circumstances(kind));
	return true;
}

/* A realloc: nested in Python's allocator, or recorded as begun, so that its outcome is to follow. */
struct resizing { bool nested, begun; };

static inline struct resizing realloc_begin(void *old)
{
	struct resizing r = { .nested = ring_local.guard == GUARD_PYTHON };
	if (old)
		r.begun = record(r.nested ? WIRE_FREE : WIRE_REALLOC_BEGIN, old, 0) && !r.nested;
	return r;
}

static inline void *realloc_record(uint8_t kind, void *old, void *p, size_t n, struct resizing r)
{
	if (UNLIKELY(p == NULL)) {
		if (r.begun)
			record(n ? WIRE_REALLOC_FAILED : WIRE_REALLOC_FREED, old, 0);
	} else if (!record_alloc(kind, p, n) && UNLIKELY(sampler_mean != 0) && r.begun) {
		record(WIRE_REALLOC_FREED, old, 0);	/* the old block was sampled, the new one is not */
	}
	return p;
}

#endif
