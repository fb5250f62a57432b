/*
 * failmalloc.c - preloaded: allocation number FAIL_AT of the program fails, and with FAIL_ALL all later ones
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static bool fails(void)
{
	static long n, at = -1;
	static bool all;

	if (at < 0) {
		at = getenv("FAIL_AT") ? atol(getenv("FAIL_AT")) : 0;
		all = getenv("FAIL_ALL") != NULL;
	}
	n++;
	if (at == 0 || n < at || (n > at && !all))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(n, size, &bytes))
		return realloc(p, bytes);
	errno = ENOMEM;
	return NULL;
}
