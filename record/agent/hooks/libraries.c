/*
 * libraries.c - allocators inside libraries: records their blocks instead of the mappings that contain these
 *
 * Apache Arrow (pyarrow, and through it pandas) has its own mimalloc in libarrow. It calls it through
 * GOT slots by names of its own, so these hooks are reached like those of the C library. Each call goes on to the
 * allocator of the calling library: there may be several copies, all opened with RTLD_LOCAL, where dlsym() does not
 * find them.
 */
#include "memory.h"
#include "object.h"
#include "record.h"
#include "ring.h"

#define MOST_COPIES 8

enum function { MI_MALLOC, MI_REALLOC, MI_FREE, N_FUNCTIONS };

static const char *const names[N_FUNCTIONS] = {
	[MI_MALLOC] = "arrow_mi_malloc_aligned",
	[MI_REALLOC] = "arrow_mi_realloc_aligned",
	[MI_FREE] = "arrow_mi_free",
};

/* The functions that calls from one object reach. */
struct copy {
	uintptr_t start, end;
	uintptr_t functions[N_FUNCTIONS];
};

static struct copy copies[MOST_COPIES];
static uint32_t n_copies, closes;	/* closes: the value of native_closes when they were found */
static struct lock lock;

struct search {
	uintptr_t caller;
	struct copy found;
	bool own;	/* found in the caller's object, which is preferred */
};

static int search_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct search *s = context;
	struct object o;
	(void)size;
	if (!object_read(&o, info) || (uintptr_t)names - o.start < o.end - o.start)
		return 0;
	bool calls = s->caller - o.start < o.end - o.start;
	if (calls) {
		s->found.start = o.start;
		s->found.end = o.end;
	}
	for (int f = 0; f < N_FUNCTIONS; f++) {
		uintptr_t at = calls || !s->found.functions[f] ? object_symbol(&o, names[f]) : 0;
		if (at)
			s->found.functions[f] = at;
	}
	return 0;
}

static COLD uintptr_t find(uintptr_t caller, enum function f)
{
	struct search s = { .caller = caller };
	uint32_t before = __atomic_load_n(&native_closes, __ATOMIC_ACQUIRE);
	uint8_t guard = guard_set(GUARD_DROP);
	dl_iterate_phdr(search_object, &s);
	if (lock_try(&lock)) {		/* otherwise, or in a child forked in between, it searches again */
		uint32_t n = closes == before ? n_copies : 0;
		__atomic_store_n(&n_copies, n, __ATOMIC_RELEASE);
		__atomic_store_n(&closes, before, __ATOMIC_RELEASE);
		if (s.found.end && n < MOST_COPIES) {
			copies[n] = s.found;
			__atomic_store_n(&n_copies, n + 1, __ATOMIC_RELEASE);
		}
		lock_drop(&lock);
	}
	guard_reset(guard);
	return s.found.functions[f];
}

static inline uintptr_t real_of(void *caller, enum function f)
{
	/* An object was unloaded since, and another may be at its addresses now. */
	if (UNLIKELY(__atomic_load_n(&closes, __ATOMIC_ACQUIRE) != __atomic_load_n(&native_closes, __ATOMIC_ACQUIRE)))
		return find((uintptr_t)caller, f);
	uint32_t n = __atomic_load_n(&n_copies, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < n; i++)
		if ((uintptr_t)caller - copies[i].start < copies[i].end - copies[i].start)
			return copies[i].functions[f];
	return find((uintptr_t)caller, f);
}

#define CALLER __builtin_return_address(0)

/* ---------------------------------------------------------------- mimalloc */

HOOK void *arrow_mi_malloc_aligned(size_t n, size_t align);
HOOK void *arrow_mi_malloc_aligned(size_t n, size_t align)
{
	void *(*real)(size_t, size_t) = (void *(*)(size_t, size_t))real_of(CALLER, MI_MALLOC);
	void *p = real ? REAL(real(n, align)) : NULL;
	if (LIKELY(p != NULL))
		record_alloc(WIRE_MIMALLOC, p, n);
	return p;
}

HOOK void *arrow_mi_realloc_aligned(void *old, size_t n, size_t align);
HOOK void *arrow_mi_realloc_aligned(void *old, size_t n, size_t align)
{
	void *(*real)(void *, size_t, size_t) = (void *(*)(void *, size_t, size_t))real_of(CALLER, MI_REALLOC);
	if (!real)
		return NULL;
	struct resizing r = realloc_begin(old);
	void *p = REAL(real(old, n, align));
	return realloc_record(WIRE_MIMALLOC, old, p, n, r);
}

HOOK void arrow_mi_free(void *p);
HOOK void arrow_mi_free(void *p)
{
	void (*real)(void *) = (void (*)(void *))real_of(CALLER, MI_FREE);
	if (!real)
		return;
	if (p)
		record(WIRE_FREE, p, 0);
	uint8_t guard = guard_set(GUARD_DROP);
	real(p);
	guard_reset(guard);
}
