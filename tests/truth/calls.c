/*
 * calls.c - a program without Python: every hooked function, with distinctive sizes
 *
 * Each use has a size of its own; tests/memrec.bats has the expected trace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul

static void *keep;
static void use(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static void heap(void)
{
	void *p;
	use(p = malloc(100001));
	free(p);
	use(p = calloc(3, 100002));
	use(p = realloc(p, 400003));
	use(p = reallocarray(p, 5, 100004));
	/* Fails, and the old block remains. */
	volatile size_t much = SIZE_MAX / 4;
	if (realloc(p, much))
		_exit(9);
	/* Frees. */
	if (realloc(p, 0))
		_exit(9);
	use(realloc(NULL, 100005));	/* leaked */
	if (posix_memalign(&p, 64, 100006))
		_exit(9);
	free(p);
	use(p = aligned_alloc(64, 64 * 2000));
	free(p);
	use(p = memalign(64, 100008));
	free(p);
	use(p = valloc(100009));
	free(p);
	use(p = pvalloc(100010));
	free(p);
	use(p = malloc(0));
	free(p);
	free(NULL);
}

static void *map(void *at, size_t n, int flags)
{
	void *p = mmap(at, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (p == MAP_FAILED)
		_exit(9);
	return p;
}

static void mappings(void)
{
	char *p = map(NULL, 1000 * PAGE, 0);
	munmap(p, 10 * PAGE);			/* head: 990 left */
	munmap(p + 980 * PAGE, 20 * PAGE);	/* tail: 970 left */
	munmap(p + 500 * PAGE, 100 * PAGE);	/* middle: 490 stay, 380 are split off */
	munmap(p, 1000 * PAGE);			/* both parts, and pages that are not ours */

	p = map(NULL, 2000 * PAGE + 1, 0);	/* not a whole number of pages */
	map(p + 1000 * PAGE, 50 * PAGE, MAP_FIXED);	/* on top of its middle */
	munmap(p, 2001 * PAGE);

	p = map(NULL, 300 * PAGE, 0);
	p = mremap(p, 300 * PAGE, 3000 * PAGE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		_exit(9);
	if (mremap(p, 3000 * PAGE, (size_t)1 << 50, MREMAP_MAYMOVE) != MAP_FAILED)
		_exit(9);
	p = mremap(p, 3000 * PAGE, 200 * PAGE, 0);
	munmap(p, 200 * PAGE);
	if (munmap((void *)1, PAGE) == 0 || munmap(p, 0) == 0)
		_exit(9);
	keep = map(NULL, 777 * PAGE, 0);	/* never unmapped */
}

int main(void)
{
	heap();
	mappings();
	puts("done");
	return 0;
}
