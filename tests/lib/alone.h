/*
 * alone.h - for testing a part of the agent alone: small substitutes for its neighbours, and the hooks
 *
 * Included by a harness that defines allocated(), which is called after every
 * malloc, calloc and realloc of the process.
 */
#ifndef ALONE_H
#define ALONE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../record/agent/agent.h"
#include "../../record/agent/memory.h"
#include "../../record/system_call.h"

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void allocated(void);

/* All memory available, if a test limits it. */
static size_t pages_limit = SIZE_MAX, pages_used;

void *pages_new(size_t size)
{
	if (__atomic_add_fetch(&pages_used, size, __ATOMIC_RELAXED) > pages_limit)
		return NULL;
	void *p = (void *)system_call(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void pages_count(int64_t bytes)
{
	(void)bytes;
}

void pages_free(void *p, size_t size)
{
	if (p)
		system_call(SYS_munmap, p, size);
}

void lock_take(struct lock *l)
{
	while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
		system_call(SYS_sched_yield);
}

bool lock_try(struct lock *l)
{
	return __atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) == 0;
}

void lock_drop(struct lock *l)
{
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

pid_t ring_process(void)
{
	return getpid();
}

EXPORT void *malloc(size_t n)
{
	void *p = __libc_malloc(n);
	allocated();
	return p;
}

EXPORT void *calloc(size_t n, size_t size)
{
	void *p = __libc_calloc(n, size);
	allocated();
	return p;
}

EXPORT void *realloc(void *old, size_t n)
{
	void *p = __libc_realloc(old, n);
	allocated();
	return p;
}

#endif
