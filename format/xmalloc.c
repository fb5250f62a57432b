/*
 * xmalloc.c - allocation that succeeds or exits, for tools
 */
#include "xmalloc.h"

#include <malloc.h>
#include <msgpack.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"

void (*out_of_memory)(void);

static void die_without_memory(void)
{
	void (*first)(void) = out_of_memory;

	out_of_memory = NULL;
	if (first)
		first();
	die("out of memory");
}

static void *or_die(void *p)
{
	if (!p)
		die_without_memory();
	return p;
}

void xmalloc_map_large(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

void *xmalloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	return or_die(reallocarray(p, n ? n : 1, size ? size : 1));
}

#define HUGE_PAGE ((size_t)2 << 20)

static bool is_large(size_t n, size_t size)
{
	return n >= HUGE_PAGE / size && n < SIZE_MAX / 2 / size;
}

static size_t whole_pages(size_t bytes)
{
	return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

void *xtable_new(size_t n, size_t size)
{
	if (!is_large(n, size))
		return xcalloc(n, size);
	size_t bytes = whole_pages(n * size);
	char *p =
	    mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die_without_memory();
	size_t before = whole_pages((uintptr_t)p) - (uintptr_t)p;
	if (before)
		munmap(p, before);
	munmap(p + before + bytes, HUGE_PAGE - before);
	madvise(p + before, bytes, MADV_HUGEPAGE);
	return p + before;
}

void table_free(void *p, size_t n, size_t size)
{
	if (!is_large(n, size))
		free(p);
	else if (p)
		munmap(p, whole_pages(n * size));
}

char *xstrdup(const char *s)
{
	return or_die(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&s, fmt, args) < 0)
		s = NULL;
	va_end(args);
	return or_die(s);
}

FILE *xmemstream(char **text, size_t *n)
{
	*text = NULL;
	*n = 0;
	return or_die(open_memstream(text, n));
}

void xmemstream_close(FILE *stream, char *const *text)
{
	bool whole = !ferror(stream);

	if (fclose(stream) != 0 || !whole || !*text)
		die_without_memory();
}

int xpack(void *buffer, const char *p, size_t n)
{
	if (msgpack_sbuffer_write(buffer, p, n) < 0)
		die_without_memory();
	return 0;
}
