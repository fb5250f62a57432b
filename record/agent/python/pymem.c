/*
 * pymem.c - hooks in the three domains of Python's allocators
 *
 * PyMem_SetAllocator (PEP 445) lets us hook PYMEM_DOMAIN_RAW, _MEM and
 * _OBJ. The calls made below a hook (malloc, mmap for an arena) are not recorded as well.
 *
 * For whom: with --trace-python-allocators, and always if Python uses mimalloc.
 *
 * When: in the constructor, before the interpreter begins. As the interpreter
 * replaces all allocators while it reads its configuration (PYTHONMALLOC,
 * -X dev), again at the first allocation after that, and whenever a check
 * finds that we are no longer in the chain (when tracemalloc stops, it restores the
 * allocators from before its start; 3.12 and newer start afresh after Py_Finalize).
 *
 * The context of a domain is not changed: a thread that calls while we hook
 * loads the old or the new function with the same context.
 * At the end of a session the originals are restored unless another hook is in front of ours.
 *
 * Each time we hook, other functions are used (a generation), each with its own
 * originals. So being called twice in one chain is harmless (the guard
 * records only the outer call), whereas a single set would call itself for ever.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "orders.h"
#include "pystack.h"
#include "hooks/record.h"
#include "memory.h"
#include "ring.h"
#include "system_call.h"

#define N_DOMAINS 3
#define N_GENERATIONS 4
#define CHECK_EVERY 256		/* allocations between two checks of the chain */
#define MAX_CHAIN 8		/* allocators in a chain */

/* CPython's PyMemAllocatorEx (Include/cpython/pymem.h), the same since 3.5. */
struct allocator {
	void *ctx;
	void *(*malloc)(void *ctx, size_t n);
	void *(*calloc)(void *ctx, size_t n, size_t size);
	void *(*realloc)(void *ctx, void *p, size_t n);
	void (*free)(void *ctx, void *p);
};

uint8_t pymem_wanted, pymem_late, pymem_mimalloc;

static struct allocator original[N_GENERATIONS][N_DOMAINS];
static uint8_t generations[N_DOMAINS];		/* number in use */
static uint32_t checks;
static bool told_to_use_mimalloc;		/* by the environment */
static struct lock lock;

static inline void *hook_malloc(const struct allocator *a, void *ctx, size_t n)
{
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = a->malloc(ctx, n);
	guard_reset(guard);
	if (LIKELY(p != NULL))
		record_alloc(WIRE_PYMALLOC_MALLOC, p, n);
	return p;
}

static inline void *hook_calloc(const struct allocator *a, void *ctx, size_t n, size_t size)
{
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = a->calloc(ctx, n, size);
	guard_reset(guard);
	if (LIKELY(p != NULL))
		record_alloc(WIRE_PYMALLOC_CALLOC, p, n * size);
	return p;
}

static inline void *hook_realloc(const struct allocator *a, void *ctx, void *old, size_t n)
{
	uint8_t guard = ring_local.guard;
	if (old && guard == GUARD_NONE)
		record(WIRE_REALLOC_BEGIN, old, 0);
	guard_set(GUARD_PYTHON);
	void *p = a->realloc(ctx, old, n);
	guard_reset(guard);
	if (LIKELY(p != NULL))
		record_alloc(WIRE_PYMALLOC_REALLOC, p, n);
	else if (old && guard == GUARD_NONE)
		record(WIRE_REALLOC_FAILED, old, 0);
	return p;
}

static inline void hook_free(const struct allocator *a, void *ctx, void *p)
{
	uint8_t guard = ring_local.guard;
	if (p && guard == GUARD_NONE)
		record(WIRE_PYMALLOC_FREE, p, 0);
	guard_set(GUARD_PYTHON);
	a->free(ctx, p);
	guard_reset(guard);
}

#define DOMAIN(g, d) \
	static void *malloc_##g##d(void *ctx, size_t n) \
	{ \
		return hook_malloc(&original[g][d], ctx, n); \
	} \
	static void *calloc_##g##d(void *ctx, size_t n, size_t size) \
	{ \
		return hook_calloc(&original[g][d], ctx, n, size); \
	} \
	static void *realloc_##g##d(void *ctx, void *p, size_t n) \
	{ \
		return hook_realloc(&original[g][d], ctx, p, n); \
	} \
	static void free_##g##d(void *ctx, void *p) \
	{ \
		hook_free(&original[g][d], ctx, p); \
	}
#define HOOKS(g, d) { NULL, malloc_##g##d, calloc_##g##d, realloc_##g##d, free_##g##d }
#define GENERATION(g) DOMAIN(g, 0) DOMAIN(g, 1) DOMAIN(g, 2)

GENERATION(0)
GENERATION(1)
GENERATION(2)
GENERATION(3)

static const struct allocator hooks[N_GENERATIONS][N_DOMAINS] = {
	{ HOOKS(0, 0), HOOKS(0, 1), HOOKS(0, 2) },
	{ HOOKS(1, 0), HOOKS(1, 1), HOOKS(1, 2) },
	{ HOOKS(2, 0), HOOKS(2, 1), HOOKS(2, 2) },
	{ HOOKS(3, 0), HOOKS(3, 1), HOOKS(3, 2) },
};

static bool is_ours(void *(*function)(void *, size_t), int domain)
{
	for (int g = 0; g < N_GENERATIONS; g++)
		if (function == hooks[g][domain].malloc)
			return true;
	return false;
}

/* Reads words at an address that may be invalid. */
static bool peek(const void *at, uintptr_t *words, size_t n)
{
	struct iovec to = { words, n * sizeof *words }, from = { (void *)(uintptr_t)at, n * sizeof *words };
	return system_call(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0) == (long)(n * sizeof *words);
}

/*
 * Returns whether a call of this allocator reaches one of our hooks. An allocator that wraps another
 * (tracemalloc, the debug hooks) stores it at its context, or one word
 * further. It is looked up there instead of called, as their hooks may take locks.
 */
static bool reaches_us(struct allocator a, int domain)
{
	for (int depth = 0; depth < MAX_CHAIN; depth++) {
		uintptr_t words[6];
		if (is_ours(a.malloc, domain))
			return true;
		if (!a.ctx || !peek(a.ctx, words, 6))
			return false;
		for (int at = 0; at < 2; at++)
			if (is_ours((void *(*)(void *, size_t))words[at + 1], domain))
				return true;
		/* A debug hook's context begins with a letter in a word of its own. */
		memcpy(&a, &words[words[0] < 256 ? 1 : 0], sizeof a);
	}
	return false;
}

/* Returns an unused one, or one with the same originals, so that a call still in it continues unchanged. */
static int generation_for(int domain, const struct allocator *now)
{
	for (int g = 0; g < generations[domain]; g++)
		if (memcmp(&original[g][domain], now, sizeof *now) == 0)
			return g;
	return generations[domain] < N_GENERATIONS ? generations[domain]++ : N_GENERATIONS;
}

static void hook(const struct python *p, bool late)
{
	for (int d = 0; d < N_DOMAINS; d++) {
		struct allocator now;
		p->get_allocator(d, &now);
		if (reaches_us(now, d))
			continue;
		int g = generation_for(d, &now);
		if (g == N_GENERATIONS)
			continue;
		original[g][d] = now;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		struct allocator ours = hooks[g][d];
		ours.ctx = now.ctx;
		p->set_allocator(d, &ours);
		if (late)
			pymem_late = 1;
	}
}

/* Returns whether the interpreter is initialized. Calls nothing before it has begun: see python_begun(). */
static bool is_initialized(const struct python *p)
{
	return python_begun(p) && p->is_initialized && p->is_initialized();
}

static void look(bool late)
{
	const struct python *p = pystack_python();
	if (!p || !p->get_allocator || !p->set_allocator || !p->is_initialized)
		return;
	if (late && !is_initialized(p))
		return;
	lock_take(&lock);
	hook(p, late);
	lock_drop(&lock);
}

/*
 * mimalloc allocates Python's blocks of all sizes from mappings of its own, so no call of the C library
 * shows them. Free-threaded builds use it, and from 3.13 others with PYTHONMALLOC=mimalloc.
 */
static bool is_on_mimalloc(const struct python *p)
{
	return p->layout.free_threaded || (p->layout.has_mimalloc && told_to_use_mimalloc);
}

void pymem_init(bool late)
{
	const struct python *p = pystack_python();
	const char *name = getenv("PYTHONMALLOC");
	told_to_use_mimalloc = name && strncmp(name, "mimalloc", 8) == 0;
	pymem_mimalloc = p && is_on_mimalloc(p);
	pymem_wanted = pymem_mimalloc || (orders.flags & WIRE_FLAG_PYTHON_ALLOCATORS);
	if (pymem_wanted)
		look(late);
}

void pymem_found(const struct python *p)
{
	if (is_on_mimalloc(p))
		pymem_wanted = pymem_mimalloc = 1;
}

/* Returns the originals of this hook of ours, or NULL if it is not one. */
static const struct allocator *original_of(const struct allocator *a, int domain)
{
	for (int g = 0; g < N_GENERATIONS; g++)
		if (a->malloc == hooks[g][domain].malloc)
			return &original[g][domain];
	return NULL;
}

void pymem_stop(void)
{
	const struct python *p = pystack_python();
	pymem_wanted = 0;
	if (!p || !p->get_allocator || !p->set_allocator)
		return;
	lock_take(&lock);
	for (int d = 0; d < N_DOMAINS; d++) {
		struct allocator now;
		const struct allocator *next;
		if (!generations[d])	/* never hooked: the interpreter may not have begun */
			continue;
		p->get_allocator(d, &now);
		bool ours = false;
		for (; (next = original_of(&now, d)) != NULL; ours = true)
			now = *next;
		if (ours)
			p->set_allocator(d, &now);
	}
	lock_drop(&lock);
}

void pymem_check(void)
{
	/* Each time until the interpreter has settled on its allocators, then rarely. Losing a count does no harm. */
	uint32_t n = __atomic_load_n(&checks, __ATOMIC_RELAXED) + 1;
	__atomic_store_n(&checks, n, __ATOMIC_RELAXED);
	static bool settled;
	if (settled && n % CHECK_EVERY)
		return;
	const struct python *p = pystack_python();
	if (p && is_initialized(p)) {
		settled = true;
		look(true);
	} else {
		settled = false;	/* not begun, or finalized: check every time until it begins again */
	}
}

void pymem_forked(void)
{
	lock = (struct lock){ 0 };
}
