/*
 * record.h - recording one event from a hook, inlined
 */
#ifndef RECORD_H
#define RECORD_H

#include "native/native.h"
#include "python/pymem.h"
#include "python/pystack.h"
#include "ring.h"

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

static inline void record_alloc(uint8_t kind, void *p, size_t n)
{
	if (UNLIKELY(ring_local.guard != GUARD_NONE)) {
		if (ring_local.guard == GUARD_CAPTURE && ring_on())
			ring_put_inline(kind, (uintptr_t)p, n, 0);
		return;
	}
	if (UNLIKELY(!ring_on()))
		return;
	if (UNLIKELY(ring_local.generation != ring_generation))
		ring_new_thread();
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

static inline void record(uint8_t kind, const void *p, size_t n)
{
	if (UNLIKELY(*pystack_finalizing) && recording())
		pystack_tell_finalizing();
	if (LIKELY(recording()))
		ring_put_inline(kind, (uintptr_t)p, n, ring_local.guard == GUARD_PYTHON ? WIRE_NESTED : 0);
}

#endif
