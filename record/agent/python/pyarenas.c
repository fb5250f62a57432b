/*
 * pyarenas.c - which mappings are the arenas of Python's own allocator
 *
 * The interpreter has one function that maps them, which PyObject_GetArenaAllocator (PEP 445) returns. A call of mmap
 * from within its code is an arena. A program that sets a function of its own has no arenas that are known as such.
 */
#include "pyarenas.h"

#include <sys/mman.h>

#include "agent.h"
#include "pystack.h"

#define FUNCTION_BYTES 256	/* the call is among these */
#define NONE 1u			/* no address of a function */

/* CPython's PyObjectArenaAllocator (Include/cpython/objimpl.h), the same since 3.4. */
struct arena_allocator {
	void *ctx;
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *p, size_t size);
};

static uintptr_t function;	/* that maps arenas; 0: not asked for yet */

/* Asked for when something is mapped, not when the interpreter is found: then this thread holds none of its locks. */
static COLD uintptr_t find_function(void)
{
	const struct python *p = pystack_python();
	if (!p || !pystack_may_call())
		return NONE;
	struct arena_allocator a = { .alloc = NULL };
	if (p->get_arenas)
		p->get_arenas(&a);
	uintptr_t f = a.alloc ? (uintptr_t)a.alloc : NONE;
	__atomic_store_n(&function, f, __ATOMIC_RELAXED);
	return f;
}

/* 256 KiB up to 3.9, then 1 MiB. */
static bool is_size(size_t n)
{
	return n == 1u << 18 || n == 1u << 20;
}

bool pyarenas_has(size_t n, int protection, int flags, uintptr_t caller)
{
	if (!is_size(n) || protection != (PROT_READ | PROT_WRITE) || flags != (MAP_PRIVATE | MAP_ANONYMOUS))
		return false;
	uintptr_t f = __atomic_load_n(&function, __ATOMIC_RELAXED);
	if (f == 0)
		f = find_function();
	return f != NONE && caller - f < FUNCTION_BYTES;
}
