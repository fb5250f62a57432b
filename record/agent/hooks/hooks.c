/*
 * hooks.c - the allocation functions of the C library, each recorded and passed on
 *
 * Order: frees are recorded before the real call, allocations after it, so the
 * order in the ring is right for every address, whatever other threads do in
 * between. A realloc is recorded as a begin before the call and an outcome after it.
 *
 * Each real call is made under GUARD_DROP, so the arenas that an allocator maps
 * (jemalloc) are not counted as well.
 *
 * With --sample, nearly all blocks only need to be counted. If the real functions are the C library's own, which call
 * no hook, passes() finds out with a few instructions, and the hook ends with the real call. Of whatever passes,
 * nothing would have been recorded below either; what does not pass has not been counted yet.
 */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clients.h"
#include "entries.h"
#include "got.h"
#include "hooks.h"
#include "libc.h"
#include "object.h"
#include "record.h"
#include "orders.h"
#include "python/pyarenas.h"
#include "ring.h"
#include "system_call.h"

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*reallocarray)(void *, size_t, size_t);
	void (*free)(void *);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, ...);
	int (*mprotect)(void *, size_t, int);
} real;

/*
 * A signal handler may allocate while we look up the real malloc. Such blocks come
 * from here; they are never recorded or freed.
 */
static char bootstrap[16384] __attribute__((aligned(16)));
static size_t bootstrap_used;
static bool resolving;
/*
 * Another malloc is before ours in the order of search: the program defines its own, or it runs in a shell of system()
 * whose LD_PRELOAD was rearranged. Its blocks are not ours then, so functions that only we define call its functions.
 */
static bool others_first;
static void (*first_free)(void *);

static void *bootstrap_alloc(size_t align, size_t n)
{
	size_t at = (bootstrap_used + align - 1) & ~(align - 1);
	if (n > sizeof bootstrap || at > sizeof bootstrap - n) {
		errno = ENOMEM;
		return NULL;
	}
	bootstrap_used = at + ((n + 15) & ~15ul);
	return bootstrap + at;
}

static inline bool is_bootstrap(const void *p)
{
	return (uintptr_t)p - (uintptr_t)bootstrap < sizeof bootstrap;
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *libc)
{
	(void)size;
	return object_read(libc, info) && libc_is(libc);
}

/* The functions that leave out everything else for blocks that are not sampled (sampler.h). */
static void find_obstacles(void)
{
	struct object libc;
	void *const functions[] = { *(void **)&real.malloc, *(void **)&real.calloc, *(void **)&real.realloc,
				    *(void **)&real.free };
	if (bootstrap_used || libc_is_musl || !dl_iterate_phdr(find_libc, &libc))
		return;
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if ((uintptr_t)functions[i] - libc.start >= libc.end - libc.start)
			return;
	sampler_obstacles &= (uint8_t)~SAMPLER_ALLOCATOR;
}

void hooks_resolve(void)
{
	if (real.malloc || resolving)
		return;
	resolving = true;
	libc_resolve();
	/* Stored as addresses: ISO C has no conversion from an object to a function pointer. */
	static const struct {
		const char *name;
		void *where;
	} symbols[] = {
		{ "calloc", &real.calloc }, { "realloc", &real.realloc },
		{ "reallocarray", &real.reallocarray }, { "free", &real.free },
		{ "posix_memalign", &real.posix_memalign }, { "aligned_alloc", &real.aligned_alloc },
		{ "memalign", &real.memalign }, { "valloc", &real.valloc }, { "pvalloc", &real.pvalloc },
		{ "mmap", &real.mmap }, { "munmap", &real.munmap }, { "mremap", &real.mremap },
		{ "mprotect", &real.mprotect },
		{ "malloc", &real.malloc },	/* last: it shows that all are set */
	};
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
		*(void **)symbols[i].where = got_real(symbols[i].name);
	if (!got_late()) {
		others_first = object_first("realloc") != (void *)(uintptr_t)realloc;
		*(void **)&first_free = object_first("free");
	}
	find_obstacles();
	resolving = false;
}

/* Returns whether the real functions can be called. */
static inline bool ready(void)
{
	if (LIKELY(real.malloc != NULL))
		return true;
	hooks_resolve();
	return real.malloc != NULL;
}

/* Returns whether nothing is recorded of an allocation of n bytes, which is counted then. */
static inline bool passes(size_t n)
{
	if (UNLIKELY(ring_local.guard != GUARD_NONE))
		return ring_local.guard != GUARD_CAPTURE;
	if (UNLIKELY((ssize_t)n < 0))
		return false;
	if (LIKELY(!sampler_count(n + WIRE_SAMPLE_MORE)))
		return true;
	sampler_uncount(n + WIRE_SAMPLE_MORE);
	return false;
}

static APART void *record_malloc(size_t n)
{
	if (UNLIKELY(!ready()))
		return bootstrap_alloc(16, n);
	void *p = REAL(real.malloc(n));
	look_after_python();
	if (LIKELY(p != NULL))
		record_alloc(WIRE_MALLOC, p, n);
	return p;
}

HOOK void *malloc(size_t n)
{
	return LIKELY(sampler_obstacles == 0) && passes(n) ? real.malloc(n) : record_malloc(n);
}

static APART void *record_calloc(size_t n, size_t size)
{
	if (UNLIKELY(!ready()))
		return bootstrap_alloc(16, n * size);	/* never reused, so zero */
	void *p = REAL(real.calloc(n, size));
	look_after_python();
	if (LIKELY(p != NULL))
		record_alloc(WIRE_CALLOC, p, n * size);
	return p;
}

HOOK void *calloc(size_t n, size_t size)
{
	size_t bytes;
	bool light = LIKELY(sampler_obstacles == 0) && !__builtin_mul_overflow(n, size, &bytes) && passes(bytes);
	return light ? real.calloc(n, size) : record_calloc(n, size);
}

static APART void record_free(void *p)
{
	if (UNLIKELY(p == NULL || is_bootstrap(p) || !ready()))
		return;
	record(WIRE_FREE, p, 0);
	uint8_t guard = guard_set(GUARD_DROP);
	real.free(p);
	guard_reset(guard);
}

HOOK void free(void *p)
{
	if (LIKELY(sampler_obstacles == 0) && LIKELY(!sampler_may_have(p)) && LIKELY(!*pystack_finalizing))
		real.free(p);
	else
		record_free(p);
}

static inline void free_first(void *p)
{
	if (ready() && others_first && first_free)
		first_free(p);
	else
		free(p);
}

HOOK void free_sized(void *p, size_t n);
HOOK void free_sized(void *p, size_t n)
{
	(void)n;
	free_first(p);
}

HOOK void free_aligned_sized(void *p, size_t align, size_t n);
HOOK void free_aligned_sized(void *p, size_t align, size_t n)
{
	(void)align, (void)n;
	free_first(p);
}

static void *leave_bootstrap(const void *old, size_t n)
{
	void *p = malloc(n);
	size_t there = (size_t)(bootstrap + sizeof bootstrap - (const char *)old);
	if (p)
		memcpy(p, old, n < there ? n : there);
	return p;
}

static APART void *record_realloc(void *old, size_t n)
{
	if (UNLIKELY(!ready()))
		return bootstrap_alloc(16, n);
	if (UNLIKELY(is_bootstrap(old)))
		return leave_bootstrap(old, n);
	struct resizing r = realloc_begin(old);
	void *p = REAL(real.realloc(old, n));
	return realloc_record(WIRE_REALLOC, old, p, n, r);
}

HOOK void *realloc(void *old, size_t n)
{
	bool light = LIKELY(sampler_obstacles == 0) && LIKELY(!sampler_may_have(old)) && LIKELY(n != 0) && passes(n);
	return light ? real.realloc(old, n) : record_realloc(old, n);
}

/* The C library's version calls the first realloc in the order of search; an allocator's own version may not. */
HOOK void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (UNLIKELY(!ready() || is_bootstrap(old) || !real.reallocarray))
		return realloc(old, bytes);
	if (UNLIKELY(others_first))
		return real.reallocarray(old, n, size);
	struct resizing r = realloc_begin(old);
	void *p = REAL(real.reallocarray(old, n, size));
	return realloc_record(WIRE_REALLOCARRAY, old, p, bytes, r);
}

HOOK int posix_memalign(void **to, size_t align, size_t n)
{
	if (UNLIKELY(!ready()))
		return ENOMEM;
	int r = REAL(real.posix_memalign(to, align, n));
	if (LIKELY(r == 0))
		record_alloc(WIRE_POSIX_MEMALIGN, *to, n);
	return r;
}

static inline void *aligned(uint8_t kind, void *(*function)(size_t, size_t), size_t align, size_t n)
{
	void *p = REAL(function(align, n));
	look_after_python();
	if (LIKELY(p != NULL))
		record_alloc(kind, p, n);
	return p;
}

HOOK void *aligned_alloc(size_t align, size_t n)
{
	return ready() ? aligned(WIRE_ALIGNED_ALLOC, real.aligned_alloc, align, n) : bootstrap_alloc(align, n);
}

HOOK void *memalign(size_t align, size_t n)
{
	return ready() ? aligned(WIRE_MEMALIGN, real.memalign, align, n) : bootstrap_alloc(align, n);
}

static inline void *page_aligned(uint8_t kind, void *(*function)(size_t), size_t n)
{
	void *p = REAL(function(n));
	if (LIKELY(p != NULL))
		record_alloc(kind, p, n);
	return p;
}

HOOK void *valloc(size_t n)
{
	return ready() ? page_aligned(WIRE_VALLOC, real.valloc, n) : NULL;
}

HOOK void *pvalloc(size_t n)
{
	return ready() ? page_aligned(WIRE_PVALLOC, real.pvalloc, n) : NULL;
}

/* A shared anonymous mapping is memory of this program; PROT_NONE does not free it. */
static inline uint8_t mapping_kind(size_t n, int protection, int flags, uintptr_t caller)
{
	if (!(flags & MAP_ANONYMOUS))
		return WIRE_MMAP_FILE;
	if (ring_local.guard == GUARD_NONE && pyarenas_has(n, protection, flags, caller))
		return WIRE_ARENA;
	return protection == PROT_NONE && !(flags & MAP_SHARED) ? WIRE_MMAP_RESERVED : WIRE_MMAP;
}

static inline void *map(void *addr, size_t n, int protection, int flags, int fd, off_t offset, uintptr_t caller)
{
	if (UNLIKELY(!ready()))
		return (void *)system_call(SYS_mmap, addr, n, protection, flags, fd, offset);
	void *p = REAL(real.mmap(addr, n, protection, flags, fd, offset));
	look_after_python();
	if (p == MAP_FAILED || (UNLIKELY(pymem_mimalloc) && flags & MAP_NORESERVE))
		return p;
	if (flags & MAP_ANONYMOUS && entries_own(caller))
		return p;
	uint8_t kind = mapping_kind(n, protection, flags, caller);
	/* With both options the hooks of small objects leave no mark while they map an arena for them (pymem.c). */
	if (kind != WIRE_ARENA || LIKELY(sampler_mean == 0) || !pymem_wanted)
		record_alloc(kind, p, n);
	return p;
}

HOOK void *mmap(void *addr, size_t n, int protection, int flags, int fd, off_t offset)
{
	return map(addr, n, protection, flags, fd, offset, (uintptr_t)__builtin_return_address(0));
}

HOOK void *mmap64(void *addr, size_t n, int protection, int flags, int fd, off64_t offset)
{
	return map(addr, n, protection, flags, fd, offset, (uintptr_t)__builtin_return_address(0));
}

/* addresses have 48 bits, and the kernel has the upper half; Linux uses more only on request */
#define USER_SPACE (1ul << 47)

HOOK int munmap(void *addr, size_t n)
{
	if (UNLIKELY(!ready()))
		return (int)system_call(SYS_munmap, addr, n);
	if (UNLIKELY(n == 0))
		clients_announced(addr);
	/* Otherwise it fails without any effect. */
	bool plausible = n && !((uintptr_t)addr & 4095) && n <= USER_SPACE && (uintptr_t)addr <= USER_SPACE - n;
	if (plausible)
		record(WIRE_UNMAP, addr, n);
	int r = REAL(real.munmap(addr, n));
	if (r < 0 && plausible)
		record(WIRE_UNMAP_FAILED, addr, n);
	return r;
}

HOOK void *mremap(void *old, size_t old_size, size_t n, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	void *to = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
	va_end(args);
	if (UNLIKELY(!ready()))
		return (void *)system_call(SYS_mremap, old, old_size, n, flags, to);
	bool nested = ring_local.guard == GUARD_PYTHON;
	bool moves = old_size && !(flags & MREMAP_DONTUNMAP);	/* otherwise the old pages remain mapped */
	if (moves)
		record(nested ? WIRE_UNMAP : WIRE_REMAP_BEGIN, old, old_size);
	void *p = REAL(real.mremap(old, old_size, n, flags, to));
	if (p != MAP_FAILED)
		record_alloc(WIRE_MREMAP, p, n);
	else if (moves && !nested)
		record(WIRE_REMAP_FAILED, old, old_size);
	return p;
}

/*
 * Turns a reservation into usable memory and back. Both are recorded after the call: no address changes its owner, and
 * no other code can act on it before we return. The collector knows which parts are reserved and which are mapped.
 */
HOOK int mprotect(void *addr, size_t n, int protection)
{
	if (UNLIKELY(!ready() || !real.mprotect))
		return (int)system_call(SYS_mprotect, addr, n, protection);
	int r = REAL(real.mprotect(addr, n, protection));
	if (r == 0 && protection != PROT_NONE)
		record_alloc(WIRE_PROTECT, addr, n);
	else if (r == 0)
		record(WIRE_PROTECT_NONE, addr, n);
	return r;
}
