/*
 * program.h - whether a program can load the agent, by its file
 *
 * For the agent, before a program is executed, and for memrec, before it starts one. Only calls that the loader makes
 * too, so a seccomp filter that permits the program permits them; no heap.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "system_call.h"

enum program {
	PROGRAM_UNKNOWN,	/* there is no such file, or it cannot be read */
	PROGRAM_FITS,		/* also if it is static: then it ignores LD_PRELOAD and passes it on */
	PROGRAM_OTHER_WORD,	/* for another word size or processor */
	PROGRAM_OTHER_LIBC,	/* its loader is not glibc's or musl's */
	PROGRAM_SANITIZED,	/* its sanitizer requires that its own library is the first */
};

#if defined(__aarch64__)
#define PROGRAM_MACHINE EM_AARCH64
#else
#define PROGRAM_MACHINE EM_X86_64
#endif
#define PROGRAM_MOST_HEADERS 64
#define PROGRAM_MOST_DYNAMIC 1024
#define PROGRAM_MOST_SCRIPTS 4		/* each the interpreter of the one before; the kernel's limit, too */
#define PROGRAM_PATH 1024		/* longer names are not looked at */

static inline bool program_begins(const char *name, const char *const *starts)
{
	for (; *starts; starts++)
		if (strncmp(name, *starts, strlen(*starts)) == 0)
			return true;
	return false;
}

/* Returns whether a library, named by its file, is the runtime of AddressSanitizer, ThreadSanitizer or similar. */
static inline bool program_is_sanitizer(const char *library)
{
	static const char *const names[] = { "libasan.so",	    "libtsan.so",	  "libhwasan.so",
					     "libclang_rt.asan",    "libclang_rt.tsan",	  "libclang_rt.hwasan",
					     "libclang_rt.msan",    NULL };
	return program_begins(library, names);
}

static inline bool program_read(int fd, void *to, size_t n, uint64_t at)
{
	return system_call(SYS_pread64, fd, to, n, at) == (long)n;
}

/* Reads text of at most n - 1 bytes. */
static inline bool program_read_text(int fd, char *to, size_t n, uint64_t at)
{
	long got = system_call(SYS_pread64, fd, to, n - 1, at);
	to[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* Finds the next program header of that type, from number *i on. */
static inline bool program_next(int fd, const Elf64_Ehdr *e, unsigned *i, uint32_t type, Elf64_Phdr *p)
{
	for (; *i < e->e_phnum && *i < PROGRAM_MOST_HEADERS; ++*i)
		if (!program_read(fd, p, sizeof *p, e->e_phoff + *i * sizeof *p))
			return false;
		else if (p->p_type == type)
			return true;
	return false;
}

static inline bool program_first(int fd, const Elf64_Ehdr *e, uint32_t type, Elf64_Phdr *p)
{
	unsigned i = 0;
	return program_next(fd, e, &i, type, p);
}

/* Returns the value of a dynamic entry, from number *i on, of that tag. */
static inline bool program_dynamic(int fd, const Elf64_Phdr *dynamic, unsigned *i, int64_t tag, uint64_t *value)
{
	Elf64_Dyn d;
	for (; *i < dynamic->p_filesz / sizeof d && *i < PROGRAM_MOST_DYNAMIC; ++*i) {
		if (!program_read(fd, &d, sizeof d, dynamic->p_offset + *i * sizeof d) || d.d_tag == DT_NULL)
			return false;
		*value = d.d_un.d_val;
		if (d.d_tag == tag)
			return true;
	}
	return false;
}

static inline bool program_needs_sanitizer(int fd, const Elf64_Ehdr *e)
{
	Elf64_Phdr dynamic, load;
	unsigned i = 0, first = 0;
	uint64_t strings, name;
	char text[32];
	if (!program_first(fd, e, PT_DYNAMIC, &dynamic) || !program_dynamic(fd, &dynamic, &first, DT_STRTAB, &strings))
		return false;
	do
		if (!program_next(fd, e, &i, PT_LOAD, &load))
			return false;
	while (strings - load.p_vaddr >= load.p_filesz && ++i);
	strings += load.p_offset - load.p_vaddr;
	for (i = 0; program_dynamic(fd, &dynamic, &i, DT_NEEDED, &name); i++)
		if (program_read_text(fd, text, sizeof text, strings + name) && program_is_sanitizer(text))
			return true;
	return false;
}

static inline enum program program_of_elf(int fd, const Elf64_Ehdr *e)
{
	static const char *const loaders[] = { "ld-linux", "ld-2.", "ld-lsb", "ld.so", "ld-musl-", NULL };
	Elf64_Phdr p;
	char name[PROGRAM_PATH];
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != PROGRAM_MACHINE)
		return PROGRAM_OTHER_WORD;
	if (e->e_phentsize != sizeof p || !program_first(fd, e, PT_INTERP, &p))
		return PROGRAM_FITS;
	if (p.p_filesz >= sizeof name || !program_read_text(fd, name, p.p_filesz + 1, p.p_offset))
		return PROGRAM_UNKNOWN;
	const char *slash = strrchr(name, '/');
	if (!program_begins(slash ? slash + 1 : name, loaders))
		return PROGRAM_OTHER_LIBC;
	return program_needs_sanitizer(fd, e) ? PROGRAM_SANITIZED : PROGRAM_FITS;
}

/* Opens the file named by "#!" and closes this one. -1: it is not one, or there is no such file. */
static inline int program_interpreter(int script, const char *head)
{
	char name[256];
	const char *from = head + 2 + strspn(head + 2, " \t");
	size_t n = strcspn(from, " \t\n");
	if (n == 0 || n >= sizeof name)
		return -1;
	memcpy(name, from, n);
	name[n] = '\0';
	system_call(SYS_close, script);
	return (int)system_call(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* The program in an open file, which is closed; -1: none. Not the one that execvp() starts for a file without "#!". */
static inline enum program program_opened(int fd)
{
	union {
		Elf64_Ehdr elf;
		char text[256];
	} head;
	enum program kind = PROGRAM_UNKNOWN;
	for (int i = 0; fd >= 0 && i <= PROGRAM_MOST_SCRIPTS; i++) {
		kind = program_read_text(fd, head.text, sizeof head.text, 0) ? PROGRAM_FITS : PROGRAM_UNKNOWN;
		if (strncmp(head.text, "#!", 2) != 0)
			break;
		int next = program_interpreter(fd, head.text);
		if (next < 0)
			return PROGRAM_UNKNOWN;
		fd = next;
	}
	if (kind == PROGRAM_FITS && memcmp(head.text, ELFMAG, SELFMAG) == 0)
		kind = program_of_elf(fd, &head.elf);
	if (fd >= 0)
		system_call(SYS_close, fd);
	return kind;
}

/* The program that a path leads to, from an open folder or AT_FDCWD. */
static inline enum program program_at(int folder, const char *path)
{
	int e = errno;
	enum program kind = program_opened(
		(int)system_call(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	errno = e;
	return kind;
}

/* The program that execvp() finds. */
static inline enum program program_searched(const char *file)
{
	const char *path = getenv("PATH");
	size_t length = strlen(file);
	enum program kind = PROGRAM_UNKNOWN;
	if (strchr(file, '/'))
		return program_at(AT_FDCWD, file);
	for (path = path ? path : "/bin:/usr/bin"; path && kind == PROGRAM_UNKNOWN;) {
		char name[PROGRAM_PATH];
		size_t n = strcspn(path, ":");
		if (n + 1 + length < sizeof name) {
			memcpy(name, path, n);
			if (n)
				name[n] = '/';
			memcpy(name + n + (n > 0), file, length + 1);
			kind = program_at(AT_FDCWD, name);
		}
		path = path[n] ? path + n + 1 : NULL;
	}
	return kind;
}

/* Returns whether LD_PRELOAD, its value, names a sanitizer's library. */
static inline bool program_preloads_sanitizer(const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ": ");
		const char *name = list + n;
		while (name > list && name[-1] != '/')
			name--;
		if (program_is_sanitizer(name))
			return true;
		list += n + (list[n] != '\0');
	}
	return false;
}

static inline bool program_cannot_load_agent(enum program kind)
{
	return kind > PROGRAM_FITS;
}

#endif
