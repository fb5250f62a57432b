/*
 * families.c - the allocators whose functions are hooked at their entries: their names, and the hooks
 *
 * Another allocator is a row of families[], or a list of functions.
 */
#include "families.h"

#include "record.h"

/* ---------------------------------------------------------------- hooks */

static inline void *allocated(uint8_t kind, void *p, size_t n)
{
	if (LIKELY(p != NULL))
		record_alloc(kind, p, n);
	return p;
}

static void *size_first(ARGUMENTS)
{
	(void)e;
	return allocated(f->kind, REAL(f->real(a, b, c, d)), a);
}

static void *size_second(ARGUMENTS)
{
	(void)e;
	return allocated(f->kind, REAL(f->real(a, b, c, d)), b);
}

static void *product(ARGUMENTS)
{
	(void)e;
	return allocated(f->kind, REAL(f->real(a, b, c, d)), a * b);
}

/* posix_memalign */
static void *stored(ARGUMENTS)
{
	(void)e;
	void *status = REAL(f->real(a, b, c, d));
	if (LIKELY((int)(uintptr_t)status == 0))
		record_alloc(f->kind, *(void **)a, c);
	return status;
}

static void *resize(ARGUMENTS)
{
	(void)e;
	struct resizing r = realloc_begin((void *)a);
	void *p = REAL(f->real(a, b, c, d));
	return realloc_record(f->kind, (void *)a, p, b, r);
}

static void *release(ARGUMENTS)
{
	(void)e;
	if (LIKELY(a != 0))
		record(WIRE_FREE, (void *)a, 0);
	return REAL(f->real(a, b, c, d));
}

/*
 * An operator new that throws is not called under the guard, which an exception would leave set: the one that returns
 * NULL is, and only then this.
 */
static const char nothrow;

static void *new_object(ARGUMENTS)
{
	(void)e;
	void *p = REAL(f->quiet->real(a, (uintptr_t)&nothrow, 0, 0));
	return LIKELY(p != NULL) ? allocated(f->kind, p, a) : f->real(a, b, c, d);
}

static void *new_aligned(ARGUMENTS)
{
	(void)e;
	void *p = REAL(f->quiet->real(a, b, (uintptr_t)&nothrow, 0));
	return LIKELY(p != NULL) ? allocated(f->kind, p, a) : f->real(a, b, c, d);
}

/* ---------------------------------------------------------------- which functions */

/* jemalloc, by whatever prefix. */
static const struct entry jemalloc[] = {
	{ "malloc", size_first }, { "calloc", product }, { "realloc", resize }, { "free", release },
	{ "posix_memalign", stored }, { "aligned_alloc", size_second }, { "memalign", size_second },
	{ "valloc", size_first },
	{ "mallocx", size_first }, { "rallocx", resize }, { "dallocx", release }, { "sdallocx", release },
	{ NULL }
};

static const struct entry mimalloc[] = {
	{ "malloc", size_first }, { "zalloc", size_first }, { "calloc", product }, { "realloc", resize },
	{ "malloc_aligned", size_first }, { "zalloc_aligned", size_first }, { "realloc_aligned", resize },
	{ "free", release }, { "free_size", release }, { "free_size_aligned", release }, { "free_aligned", release },
	{ NULL }
};

#define QUIET "RKSt9nothrow_t"
#define ALIGNED "St11align_val_t"
static const struct entry operators[] = {
	{ "_Znwm" QUIET, size_first }, { "_Znam" QUIET, size_first },
	{ "_Znwm" ALIGNED QUIET, size_first, NULL, WIRE_ALIGNED_ALLOC },
	{ "_Znam" ALIGNED QUIET, size_first, NULL, WIRE_ALIGNED_ALLOC },
	{ "_Znwm", new_object, "_Znwm" QUIET }, { "_Znam", new_object, "_Znam" QUIET },
	{ "_Znwm" ALIGNED, new_aligned, "_Znwm" ALIGNED QUIET, WIRE_ALIGNED_ALLOC },
	{ "_Znam" ALIGNED, new_aligned, "_Znam" ALIGNED QUIET, WIRE_ALIGNED_ALLOC },
	{ "_ZdlPv", release }, { "_ZdaPv", release }, { "_ZdlPvm", release }, { "_ZdaPvm", release },
	{ "_ZdlPv" QUIET, release }, { "_ZdaPv" QUIET, release },
	{ "_ZdlPv" ALIGNED, release }, { "_ZdaPv" ALIGNED, release },
	{ "_ZdlPvm" ALIGNED, release }, { "_ZdaPvm" ALIGNED, release },
	{ "_ZdlPv" ALIGNED QUIET, release }, { "_ZdaPv" ALIGNED QUIET, release },
	{ NULL }
};

bool entry_releases(const struct entry *e)
{
	return e->hook == release;
}

const struct family families[] = {
	{ "je_arrow_", jemalloc, WIRE_JEMALLOC, false },
	{ "_rjem_", jemalloc, WIRE_JEMALLOC, false },		/* Rust's crates */
	{ "je_", jemalloc, WIRE_JEMALLOC, false },
	{ "mi_", mimalloc, WIRE_MIMALLOC, false },
	{ "", operators, WIRE_MALLOC, true },
};
_Static_assert(sizeof families / sizeof *families == N_FAMILIES, "N_FAMILIES counts them");
