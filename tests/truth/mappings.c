/*
 * mappings.c - address space that is reserved, made accessible, given back; mapped files
 *
 * Each step has a size of its own; check_mappings.py has the expected trace.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static char *map(size_t n, int protection, int flags, int fd)
{
	char *p = mmap(NULL, n, protection, flags, fd, 0);
	if (p == MAP_FAILED)
		_exit(9);
	return p;
}

static void protect(char *at, size_t n, int protection)
{
	if (mprotect(at, n, protection) < 0)
		_exit(9);
}

static void reservations(void)
{
	char *p = map(65536 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	protect(p, 50 * MIB, PROT_READ | PROT_WRITE);		/* 50 used, 65486 left */
	memset(p, 1, MIB);
	protect(p + 100 * MIB, 7 * MIB, PROT_READ);		/* in the middle: 7 used, 50 left below, 65429 above */
	protect(p, 107 * MIB, PROT_READ | PROT_WRITE);		/* used parts stay, the 50 in between become used */
	protect(p + 10 * MIB, 3 * MIB, PROT_NONE);		/* 10 left, 3 reserved again, 37 beyond */
	if (mprotect(p + 200 * MIB + 1, MIB, PROT_READ) == 0)	/* fails, and changes nothing */
		_exit(9);
	munmap(p, 65536 * MIB);
}

static void others(void)
{
	int file = open("file", O_RDWR | O_CREAT, 0600), memory = memfd_create("m", 0);
	if (file < 0 || memory < 0 || ftruncate(file, 1024 * MIB) < 0 || ftruncate(memory, 11 * MIB) < 0)
		_exit(9);
	char *p = map(1024 * MIB, PROT_READ, MAP_SHARED, file);
	protect(p, 1024 * MIB, PROT_READ | PROT_WRITE);		/* also of a file */
	munmap(p + 24 * MIB, 1000 * MIB);			/* 24 left */
	p = mremap(p, 24 * MIB, 48 * MIB, MREMAP_MAYMOVE);	/* still of the file */
	if (p == MAP_FAILED)
		_exit(9);
	munmap(p, 48 * MIB);
	map(13 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	map(11 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, memory);
	p = map(12 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	p = mremap(p, 12 * MIB, 14 * MIB, MREMAP_MAYMOVE);	/* still a reservation */
	if (p == MAP_FAILED)
		_exit(9);
	map(5 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);	/* memory, shared with children */
}

int main(void)
{
	reservations();
	others();
	return 0;
}
