/*
 * private.c - an allocator inside an object, with names as jemalloc has them in a program in Rust, and what uses it
 *
 * Nothing is exported but work(); all calls are direct. The allocator divides up a mapping that a constructor makes.
 * With MAIN it is a program: each line that it reads is a library to open, whose work() is called and which stays
 * open, or "close", or "work", for its own; it answers "done".
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PRIVATE __attribute__((visibility("hidden"), noinline, noipa))
#define POOL (256ul << 20)

static char *pool;
static size_t used;

PRIVATE void *_rjem_mallocx(size_t n, int flags);
PRIVATE void *_rjem_malloc(size_t n);
PRIVATE void *_rjem_calloc(size_t n, size_t size);
PRIVATE void *_rjem_rallocx(void *old, size_t n, int flags);
PRIVATE void _rjem_sdallocx(void *p, size_t n, int flags);
PRIVATE int _rjem_posix_memalign(void **to, size_t align, size_t n);

static void *take(size_t n, size_t align)
{
	if (n > POOL)
		return NULL;
	size_t at = __atomic_fetch_add(&used, n + 16 + align, __ATOMIC_RELAXED);
	if (at + n + align + 16 > POOL)
		return NULL;
	char *p = (char *)(((uintptr_t)pool + at + 16 + align - 1) & ~(align - 1));
	memcpy(p - 8, &n, 8);
	return p;
}

__attribute__((constructor)) static void make_pool(void)
{
	pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void *_rjem_mallocx(size_t n, int flags)
{
	return take(n, 1ul << (flags & 63) < 16 ? 16 : 1ul << (flags & 63));
}

void *_rjem_malloc(size_t n)
{
	return n > POOL ? NULL : take(n, 16);
}

void *_rjem_calloc(size_t n, size_t size)
{
	return take(n * size, 16);
}

void *_rjem_rallocx(void *old, size_t n, int flags)
{
	size_t before;
	memcpy(&before, (char *)old - 8, 8);
	void *p = _rjem_mallocx(n, flags);
	return p ? memcpy(p, old, before < n ? before : n) : NULL;
}

void _rjem_sdallocx(void *p, size_t n, int flags)
{
	(void)flags;
	memset(p, 0xee, n);
}

int _rjem_posix_memalign(void **to, size_t align, size_t n)
{
	void *p = take(n, align);
	if (!p)
		return 12;
	*to = p;
	return 0;
}

static void *many(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		char *p = _rjem_mallocx(64, 0);
		memset(p, i, 64);
		p = _rjem_rallocx(p, 128, 0);
		if (!p || p[63] != (char)i)
			abort();
		_rjem_sdallocx(p, 128, 0);
	}
	return arg;
}

/* Leaves COPY, 1000001, 1000002, 1000003 bytes, and nothing of the 16000 blocks that four threads make. */
__attribute__((noinline)) void work(void)
{
	pthread_t threads[4];
	void *aligned;
	memset(_rjem_mallocx(COPY, 4), 1, COPY);
	void *p = _rjem_malloc(7000001);
	memset(_rjem_rallocx(p, 1000001, 0), 2, 1000001);
	memset(_rjem_calloc(1000002 / 2, 2), 3, 1000002);
	if (_rjem_posix_memalign(&aligned, 4096, 1000003) || (uintptr_t)aligned % 4096)
		abort();
	p = _rjem_malloc(3000001);
	if (_rjem_rallocx(p, POOL * 2, 0) || _rjem_malloc(POOL * 2))
		abort();
	_rjem_sdallocx(p, 3000001, 0);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, many, NULL))
			abort();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#ifdef MAIN
int main(void)
{
	char line[4096];
	void *library = NULL;
	puts("ready");
	while (fflush(stdout), fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "work") == 0) {
			work();
		} else if (strcmp(line, "close") == 0) {
			dlclose(library);
		} else {
			library = dlopen(line, RTLD_LAZY);
			if (!library)
				puts(dlerror());
			else
				((void (*)(void))dlsym(library, "work"))();
		}
		puts("done");
	}
	return 0;
}
#endif
