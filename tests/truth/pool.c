/*
 * pool.c - a library with its own allocator, with Arrow's names, which divides up a mapping; work() uses it
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *arrow_mi_malloc_aligned(size_t n, size_t align);
void *arrow_mi_realloc_aligned(void *old, size_t n, size_t align);
void arrow_mi_free(void *p);

static char *arena;
static size_t used;

void *arrow_mi_malloc_aligned(size_t n, size_t align)
{
	if (!arena)
		arena = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (n > 1 << 29)
		return NULL;
	used = (used + align - 1) & ~(align - 1);
	char *p = arena + used;
	used += n;
	return p;
}

void *arrow_mi_realloc_aligned(void *old, size_t n, size_t align)
{
	void *p = arrow_mi_malloc_aligned(n, align);
	if (p && old)
		memcpy(p, old, 1000);
	return p;
}

void arrow_mi_free(void *p)
{
	(void)p;
}

void work(void)
{
	void *a = arrow_mi_malloc_aligned(5000001, 64), *b = arrow_mi_malloc_aligned(3000002, 64);
	a = arrow_mi_realloc_aligned(a, 7000003, 64);
	if (arrow_mi_realloc_aligned(b, (size_t)1 << 40, 64))
		abort();
	arrow_mi_free(b);
	memset(arrow_mi_malloc_aligned(COPY, 64), 1, COPY);
}
