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
 * With --sample the hooks must cost next to nothing, since Python allocates small objects all the time. pymalloc, the
 * default allocator of the domains _MEM and _OBJ, makes blocks of at most 512 bytes itself and passes all others on to
 * the domain _RAW, calls and frees alike. So a small block that is to be recorded is requested as one of 513 bytes: it
 * then comes from _RAW and goes back to it. For the two domains light hooks remain that count bytes, and none for free;
 * the hooks of _RAW see all other blocks, and the free of every sampled one. (tcmalloc and
 * jemalloc place sampled blocks apart for the same reason.) Whether the allocator behaves like this is tried out with
 * the first call (is_light()); others keep all their hooks. Until then, and for these, sampled blocks are as large.
 *
 * The light hooks count every block, as a comparison of its size would cost more; but a sampling point is ignored that
 * is in a block that _RAW sees as well (sampler.h says why this is right). Those of _RAW only look whether a block
 * contains the next point, and leave counting to the hooks of the C library, if the allocator of _RAW passes each call
 * on to it unchanged (is_direct()).
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
#include "sampler.h"
#include "system_call.h"

enum { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ, N_DOMAINS };

#define N_GENERATIONS 4
#define CHECK_EVERY 256		/* allocations between two checks of the chain */
#define STRIDES 4		/* with --sample: strides of counting (sampler.h) */
#define MAX_CHAIN 8		/* allocators in a chain */
#define SMALL 512		/* the largest block that pymalloc makes itself: SMALL_REQUEST_THRESHOLD, since 3.3 */

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
static bool settled;				/* the interpreter was initialized when last looked at */
static bool told_to_use_mimalloc;		/* by the environment */
static struct lock lock;

/* ---------------------------------------------------------------- every block */

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

/* ---------------------------------------------------------------- --sample */

/* What the hooks of the domain _RAW see of a call that tries out another domain. */
static __thread struct {
	bool on;
	const void *made, *freed;
} seen STATIC_TLS;

static COLD void try_out(int g, int d);

static uint8_t tried[N_GENERATIONS][N_DOMAINS];		/* in this session */

/* Returns the size to request for a sampled block. */
static inline size_t as_large(size_t n)
{
	return n > SMALL ? n : SMALL + 1;
}

static inline bool chooses(size_t n)
{
	if (UNLIKELY(ring_local.guard != GUARD_NONE))
		return false;
	if (UNLIKELY(!ring_on() || sampler_mean == 0)) {
		sampler_rest();
		return false;
	}
	if (UNLIKELY(ring_local.generation != ring_generation))
		ring_new_thread();
	return sampler_chooses(n);
}

static COLD void record_chosen(uint8_t kind, void *p, size_t n)
{
	sampler_add(p);
	record_stack(kind, p, n);
}

static APART void *sampled_malloc(int g, int d, void *ctx, size_t n)
{
	if (UNLIKELY(!tried[g][d]))
		try_out(g, d);
	bool chosen = chooses(n);
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = original[g][d].malloc(ctx, UNLIKELY(chosen) ? as_large(n) : n);
	guard_reset(guard);
	if (d == DOMAIN_RAW && UNLIKELY(seen.on))
		seen.made = p;
	if (UNLIKELY(chosen) && p)
		record_chosen(WIRE_PYMALLOC_MALLOC, p, n);
	return p;
}

static APART void *sampled_calloc(int g, int d, void *ctx, size_t n, size_t size)
{
	const struct allocator *a = &original[g][d];
	bool chosen = chooses(n * size);
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = UNLIKELY(chosen) ? a->calloc(ctx, 1, as_large(n * size)) : a->calloc(ctx, n, size);
	guard_reset(guard);
	if (UNLIKELY(chosen) && p)
		record_chosen(WIRE_PYMALLOC_CALLOC, p, n * size);
	return p;
}

static APART void *sampled_realloc(int g, int d, void *ctx, void *old, size_t n)
{
	bool begun = old && ring_local.guard == GUARD_NONE && record(WIRE_REALLOC_BEGIN, old, 0), chosen = chooses(n);
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = original[g][d].realloc(ctx, old, UNLIKELY(chosen) ? as_large(n) : n);
	guard_reset(guard);
	if (UNLIKELY(chosen) && p)
		record_chosen(WIRE_PYMALLOC_REALLOC, p, n);
	else if (UNLIKELY(begun))
		record(p ? WIRE_REALLOC_FREED : WIRE_REALLOC_FAILED, old, 0);
	return p;
}

static APART void sampled_free(int g, int d, void *ctx, void *p)
{
	if (d == DOMAIN_RAW && UNLIKELY(seen.on))
		seen.freed = p;
	if (p && ring_local.guard == GUARD_NONE)
		record(WIRE_PYMALLOC_FREE, p, 0);
	uint8_t guard = guard_set(GUARD_PYTHON);
	original[g][d].free(ctx, p);
	guard_reset(guard);
}

/* Whether pymalloc makes the block itself. Others are requested from the domain _RAW, an empty one as one byte. */
static inline bool is_small(size_t n)
{
	return n - 1 < SMALL;
}

/*
 * n bytes were counted, and the limit is exceeded: counts them with more care. Returns whether the block is recorded. A
 * point in one that is not small is used up here, and the block is counted once more by _RAW.
 */
static COLD bool is_due(size_t n)
{
	sampler_uncount(n + WIRE_SAMPLE_MORE);
	return chooses(n) && is_small(n);
}

static COLD void *light_due(const struct allocator *a, void *ctx, size_t n, bool zeroed)
{
	bool chosen = is_due(n);
	if (!chosen)
		return zeroed ? a->calloc(ctx, 1, n) : a->malloc(ctx, n);
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = zeroed ? a->calloc(ctx, 1, as_large(n)) : a->malloc(ctx, as_large(n));
	guard_reset(guard);
	if (p)
		record_chosen(zeroed ? WIRE_PYMALLOC_CALLOC : WIRE_PYMALLOC_MALLOC, p, n);
	return p;
}

static inline void *light_malloc(int g, int d, void *ctx, size_t n)
{
	const struct allocator *a = &original[g][d];
	uint64_t bytes = n + WIRE_SAMPLE_MORE;
	if (d == DOMAIN_RAW)
		return UNLIKELY(sampler_is_near(bytes)) ? sampled_malloc(g, d, ctx, n) : a->malloc(ctx, n);
	return UNLIKELY(sampler_count(bytes)) ? light_due(a, ctx, n, false) : a->malloc(ctx, n);
}

static inline void *light_calloc(int g, int d, void *ctx, size_t n, size_t size)
{
	const struct allocator *a = &original[g][d];
	uint64_t bytes = n * size + WIRE_SAMPLE_MORE;
	if (d == DOMAIN_RAW)
		return UNLIKELY(sampler_is_near(bytes)) ? sampled_calloc(g, d, ctx, n, size) :
							  a->calloc(ctx, n, size);
	return UNLIKELY(sampler_count(bytes)) ? light_due(a, ctx, n * size, true) : a->calloc(ctx, n, size);
}

/* A block that becomes small may still be resized by _RAW, which is not to count it then. */
static inline void *light_resize(const struct allocator *a, void *ctx, void *old, size_t n)
{
	if (!old || !is_small(n))
		return a->realloc(ctx, old, n);
	uint8_t guard = guard_set(GUARD_PYTHON);
	void *p = a->realloc(ctx, old, n);
	guard_reset(guard);
	return p;
}

static COLD void *light_resize_due(int g, int d, void *ctx, void *old, size_t n)
{
	if (is_small(n)) {
		sampler_uncount(n + WIRE_SAMPLE_MORE);
		return sampled_realloc(g, d, ctx, old, n);
	}
	is_due(n);
	return light_resize(&original[g][d], ctx, old, n);
}

static inline void *light_realloc(int g, int d, void *ctx, void *old, size_t n)
{
	const struct allocator *a = &original[g][d];
	if (UNLIKELY(sampler_may_have(old)))
		return sampled_realloc(g, d, ctx, old, n);
	uint64_t bytes = n + WIRE_SAMPLE_MORE;
	if (d == DOMAIN_RAW)
		return UNLIKELY(sampler_is_near(bytes)) ? sampled_realloc(g, d, ctx, old, n) :
							  a->realloc(ctx, old, n);
	return UNLIKELY(sampler_count(bytes)) ? light_resize_due(g, d, ctx, old, n) : light_resize(a, ctx, old, n);
}

/* Of _RAW; the other domains keep their own. */
static inline void light_free(int g, int d, void *ctx, void *p)
{
	if (UNLIKELY(sampler_may_have(p)))
		sampled_free(g, d, ctx, p);
	else
		original[g][d].free(ctx, p);
}

/* ---------------------------------------------------------------- the functions */

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
	} \
	static void *sampled_malloc_##g##d(void *ctx, size_t n) \
	{ \
		return sampled_malloc(g, d, ctx, n); \
	} \
	static void *sampled_calloc_##g##d(void *ctx, size_t n, size_t size) \
	{ \
		return sampled_calloc(g, d, ctx, n, size); \
	} \
	static void *sampled_realloc_##g##d(void *ctx, void *p, size_t n) \
	{ \
		return sampled_realloc(g, d, ctx, p, n); \
	} \
	static void sampled_free_##g##d(void *ctx, void *p) \
	{ \
		sampled_free(g, d, ctx, p); \
	} \
	static void *light_malloc_##g##d(void *ctx, size_t n) \
	{ \
		return light_malloc(g, d, ctx, n); \
	} \
	static void *light_calloc_##g##d(void *ctx, size_t n, size_t size) \
	{ \
		return light_calloc(g, d, ctx, n, size); \
	} \
	static void *light_realloc_##g##d(void *ctx, void *p, size_t n) \
	{ \
		return light_realloc(g, d, ctx, p, n); \
	} \
	static void light_free_##g##d(void *ctx, void *p) \
	{ \
		light_free(g, d, ctx, p); \
	}
#define GENERATION(g) DOMAIN(g, 0) DOMAIN(g, 1) DOMAIN(g, 2)

GENERATION(0)
GENERATION(1)
GENERATION(2)
GENERATION(3)

/* LIGHT's function for free is only for the domain _RAW; in others the original remains. */
enum hooks_for { EVERY, SAMPLED, LIGHT, N_HOOKS };

#define HOOKS(g, d) { \
	{ NULL, malloc_##g##d, calloc_##g##d, realloc_##g##d, free_##g##d }, \
	{ NULL, sampled_malloc_##g##d, sampled_calloc_##g##d, sampled_realloc_##g##d, sampled_free_##g##d }, \
	{ NULL, light_malloc_##g##d, light_calloc_##g##d, light_realloc_##g##d, light_free_##g##d }, \
}

static const struct allocator hooks[N_GENERATIONS][N_DOMAINS][N_HOOKS] = {
	{ HOOKS(0, 0), HOOKS(0, 1), HOOKS(0, 2) },
	{ HOOKS(1, 0), HOOKS(1, 1), HOOKS(1, 2) },
	{ HOOKS(2, 0), HOOKS(2, 1), HOOKS(2, 2) },
	{ HOOKS(3, 0), HOOKS(3, 1), HOOKS(3, 2) },
};

/* Returns whether it is a hook of this kind of session; with the other kind's, the chain needs another. */
static bool is_ours(void *(*function)(void *, size_t), int domain)
{
	for (int g = 0; g < N_GENERATIONS; g++) {
		const struct allocator *h = hooks[g][domain];
		if (sampler_mean ? function == h[SAMPLED].malloc || function == h[LIGHT].malloc :
				   function == h[EVERY].malloc)
			return true;
	}
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
		tried[g][d] = 0;
		struct allocator ours = hooks[g][d][sampler_mean ? SAMPLED : EVERY];
		ours.ctx = now.ctx;
		p->set_allocator(d, &ours);
		if (late)
			pymem_late = 1;
	}
}

/*
 * Returns whether a block as large as as_large() makes it comes from the domain _RAW and goes back to it under the same
 * address, and a small one does not. Called by a program's call to the same allocator, so this one may be called too.
 */
static bool is_light(const struct allocator *a)
{
	bool light;
	uint64_t used = sampler_local.used;
	sampler_local.used = UINT64_MAX / 2;	/* the light hooks of _RAW pass on what they should report */
	seen.made = seen.freed = NULL;
	seen.on = true;
	void *small = a->malloc(a->ctx, SMALL);
	bool apart = seen.made == NULL;
	void *large = a->malloc(a->ctx, as_large(SMALL));
	light = small && large && apart && seen.made == large;
	sampler_add(small);
	sampler_add(large);
	a->free(a->ctx, large);
	light = light && seen.freed == large;
	seen.freed = NULL;
	a->free(a->ctx, small);
	light = light && seen.freed == NULL;
	sampler_subtract(small);
	sampler_subtract(large);
	seen.on = false;
	sampler_local.used = used;
	return light;
}

/* Returns whether each call to this allocator of _RAW makes the hooks of the C library count the same bytes. */
static bool is_direct(const struct allocator *a)
{
	enum { BYTES = 1000 };
	uint64_t used = sampler_local.used, from = sampler_wiped.limit - SAMPLER_STRIDE;
	sampler_local.used = from;
	void *p = a->malloc(a->ctx, BYTES), *q = a->calloc(a->ctx, 2, BYTES);
	bool direct = p && q && sampler_local.used == from + 3 * BYTES + 2 * WIRE_SAMPLE_MORE;
	void *resized = p ? a->realloc(a->ctx, p, 2 * BYTES) : NULL;
	direct = direct && resized && sampler_local.used == from + 5 * BYTES + 3 * WIRE_SAMPLE_MORE;
	a->free(a->ctx, resized ? resized : p);
	a->free(a->ctx, q);
	sampler_local.used = used;
	return direct;
}

static bool may_be_light(int g, int d)
{
	if (d != DOMAIN_RAW)
		return is_light(&original[g][d]);
	if (sampler_obstacles)
		return false;
	guard_set(GUARD_NONE);
	bool direct = is_direct(&original[g][d]);
	guard_set(GUARD_DROP);
	return direct;
}

/*
 * The first call to a hook of generation g: installs its light ones if the allocator permits, and if no other hook is
 * before ours.
 */
static COLD void try_out(int g, int d)
{
	const struct python *p = pystack_python();
	if (ring_local.guard != GUARD_NONE || !p || !ring_on())
		return;
	guard_set(GUARD_DROP);		/* before the lock: a signal handler must not wait for it */
	if (sampler_obstacles & SAMPLER_UNSETTLED)
		pymem_check();
	bool early = d == DOMAIN_RAW && sampler_obstacles & SAMPLER_UNSETTLED;
	if (!early && lock_try(&lock)) {
		struct allocator now;
		tried[g][d] = 1;
		p->get_allocator(d, &now);
		if (now.malloc == hooks[g][d][SAMPLED].malloc && may_be_light(g, d)) {
			struct allocator ours = hooks[g][d][LIGHT];
			ours.ctx = now.ctx;
			if (d != DOMAIN_RAW)
				ours.free = original[g][d].free;
			p->set_allocator(d, &ours);
		}
		lock_drop(&lock);
	}
	guard_reset(GUARD_NONE);
}

/* Returns whether the interpreter is initialized. Calls nothing before it has begun: see python_begun(). */
static bool is_initialized(const struct python *p)
{
	return python_begun(p) && p->is_initialized && p->is_initialized();
}

/* Until the interpreter has settled on its allocators, or when it was finalized, each allocation is a time to check. */
static void settle(bool is_settled)
{
	settled = is_settled;
	if (is_settled)
		sampler_obstacles &= (uint8_t)~SAMPLER_UNSETTLED;
	else
		sampler_obstacles |= SAMPLER_UNSETTLED;
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
	if (pymem_wanted) {
		settle(false);
		look(late);
	}
}

void pymem_found(const struct python *p)
{
	if (is_on_mimalloc(p)) {
		pymem_wanted = pymem_mimalloc = 1;
		settle(false);
	}
}

/* Returns the originals of this hook of ours, or NULL if it is not one. */
static const struct allocator *original_of(const struct allocator *a, int domain)
{
	for (int g = 0; g < N_GENERATIONS; g++)
		for (int h = 0; h < N_HOOKS; h++)
			if (a->malloc == hooks[g][domain][h].malloc)
				return &original[g][domain];
	return NULL;
}

void pymem_stop(void)
{
	const struct python *p = pystack_python();
	pymem_wanted = 0;
	sampler_obstacles &= (uint8_t)~SAMPLER_UNSETTLED;
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
	if (settled && n % (sampler_obstacles ? CHECK_EVERY : STRIDES))
		return;
	const struct python *p = pystack_python();
	bool initialized = p && is_initialized(p);
	settle(initialized);
	if (initialized)
		look(true);
}

void pymem_forked(void)
{
	lock = (struct lock){ 0 };
}
