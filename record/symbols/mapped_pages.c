/*
 * mapped_pages.c - bounds how much of the object files stays in our memory
 */
#include "mapped_pages.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmalloc.h"

#define ASKED_TIMES 16
#define READ_BYTES 32768

/* Returns the bytes of files in our memory: those of shared memory, which are few, included. 0: not known. */
static uint64_t file_bytes(void)
{
	char text[128];
	unsigned long long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*u %*u %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

bool mapped_pages_many(struct mapped_pages *m)
{
	if (m->asked++ % ASKED_TIMES)
		return false;
	uint64_t now = file_bytes();
	if (!m->before)
		m->before = now;
	return now > m->before + MAPPED_PAGES_MOST;
}

static char *read_maps(void)
{
	char *text = NULL;
	size_t n = 0, cap = 0;
	ssize_t got = 1;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && got > 0) {
		GROW(text, n + READ_BYTES, cap);
		got = read(fd, text + n, cap - n - 1);
		n += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[n] = '\0';
	return text;
}

void mapped_pages_begin(struct mapped_pages *m)
{
	m->maps = read_maps();
}

/* Returns whether one private mapping of a file begins at `start`, and has n bytes or more. */
static bool is_mapped_file(const char *maps, uintptr_t start, size_t n)
{
	char wanted[24];
	uint64_t end, inode = 0;
	char access[5] = "";

	snprintf(wanted, sizeof wanted, "%" PRIxPTR "-", start);
	const char *line = maps;
	while (line && strncmp(line, wanted, strlen(wanted)) != 0)
		line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL;
	if (!line || sscanf(line, "%*x-%" SCNx64 " %4s %*x %*s %" SCNu64, &end, access, &inode) != 3)
		return false;
	return inode && access[3] == 'p' && end - start >= n;
}

/* libdw writes only to object files that are not linked. */
void mapped_pages_release(struct mapped_pages *m, Elf *elf)
{
	size_t n = 0;
	GElf_Ehdr head;
	char *file = elf ? elf_rawfile(elf, &n) : NULL;

	if (file && n && m->maps && gelf_getehdr(elf, &head) && head.e_type != ET_REL &&
	    is_mapped_file(m->maps, (uintptr_t)file, n))
		madvise(file, n, MADV_DONTNEED);
}

void mapped_pages_end(struct mapped_pages *m)
{
	free(m->maps);
	m->maps = NULL;
	m->before = file_bytes();
}
