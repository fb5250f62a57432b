/*
 * objects.h - object files with debug information to read: compiled in the test, or an interpreter's
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <elfutils/libdw.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "check.h"
#include "sections.h"

#define N(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/tmp/memrec-unit.XXXXXX";	/* of compiled files: main() makes and removes it */

static const char *const kinds[] = {
	"-gdwarf-2",
	"-gdwarf-3",
	"-gdwarf-4",
	"-gdwarf-5",
	"-gdwarf-4 -gdwarf64",
	"-gdwarf-5 -gdwarf64",
	"-gdwarf-5 -gz",
	"-gdwarf-4 -gz=zlib-gnu",
	"-gdwarf-2 -gstrict-dwarf -gno-as-loc-support",
	"-gdwarf-5 -gno-as-loc-support",
	"-gdwarf-5 -flto",
	"-gdwarf-4 -ffunction-sections -Wl,--gc-sections",
	"-gdwarf-5 -ffunction-sections -Wl,--gc-sections",
};
static const char *const few_kinds[] = { "-gdwarf-3", "-gdwarf-5",
					 "-gdwarf-4 -gz -ffunction-sections -Wl,--gc-sections" };
static const char a_c_program[] =
    "cc -D_GNU_SOURCE -Iformat -shared -fPIC record/symbols/linetable.c $PWD/format/xmalloc.c";
static const char a_cxx_program[] = "c++ tests/native/throwing.cpp";

static inline unsigned any(unsigned n)
{
	static unsigned long long state;
	return (unsigned)(check_random(&state) % n);
}

__attribute__((format(printf, 1, 2))) static inline bool shell(const char *format, ...)
{
	char command[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	return system(command) == 0;
}

static inline const char *in_folder(const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* Up to three libraries of interpreters built on this machine (Debian's has no debug information). */
static inline void each_interpreter(void (*look)(void *to, const char *path), void *to)
{
	char pattern[256];
	glob_t found = { 0 };
	snprintf(pattern, sizeof pattern, "%s/.pyenv/versions/*/lib/libpython*.so.1.0",
		 getenv("HOME") ? getenv("HOME") : "");
	glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && i < 3; i++)
		look(to, found.gl_pathv[i]);
	globfree(&found);
}

/* ---------------------------------------------------------------- a file in memory, whose sections are changed */

struct image {
	char *bytes;
	size_t n;
	Elf64_Shdr *info, *abbreviations, *lines, *line_strings, *strings;
};

static inline Elf64_Shdr **place_in_image(struct image *m, const char *name)
{
	return strcmp(name, ".debug_info") == 0 ? &m->info :
	       strcmp(name, ".debug_abbrev") == 0 ? &m->abbreviations :
	       strcmp(name, ".debug_line") == 0 ? &m->lines :
	       strcmp(name, ".debug_line_str") == 0 ? &m->line_strings :
	       strcmp(name, ".debug_str") == 0 ? &m->strings : NULL;
}

/* The caller frees its bytes. Returns false if it is not such a file. */
static inline bool read_image(struct image *m, const char *path)
{
	FILE *f = fopen(path, "r");
	*m = (struct image){ .bytes = malloc(1 << 20) };
	m->n = f ? fread(m->bytes, 1, 1 << 20, f) : 0;
	if (f)
		fclose(f);
	if (m->n < sizeof(Elf64_Ehdr) || m->n == 1 << 20)
		return false;
	const Elf64_Ehdr *header = (const void *)m->bytes;
	Elf64_Shdr *sections = (void *)(m->bytes + header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++) {
		Elf64_Shdr **place =
		    place_in_image(m, m->bytes + sections[header->e_shstrndx].sh_offset + sections[i].sh_name);
		if (place)
			*place = &sections[i];
	}
	return m->info && m->abbreviations && m->lines;
}

#define PAGE 4096

static inline size_t pages_of(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* Returns memory whose last byte, the section's, is the last readable one. */
static inline struct debug_section at_the_edge(const struct image *m, const Elf64_Shdr *section)
{
	size_t n = section ? section->sh_size : 0, pages = pages_of(n);
	uint8_t *at = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(at + pages, PAGE, PROT_NONE);
	if (n)
		memcpy(at + pages - n, m->bytes + section->sh_offset, n);
	return (struct debug_section){ at + pages - n, n };
}

static inline void release(const struct debug_section *s)
{
	munmap((void *)(s->at + s->size - pages_of(s->size)), pages_of(s->size) + PAGE);
}

/* Calls a function with the file in its present state. */
typedef void look(void *to, const struct debug_sections *s, Dwarf *dwarf);

static inline void look_at(const struct image *m, look *f, void *to)
{
	struct debug_sections s = {
		at_the_edge(m, m->info), at_the_edge(m, m->abbreviations),
		at_the_edge(m, m->lines), at_the_edge(m, m->line_strings), at_the_edge(m, m->strings),
	};
	Elf *elf = elf_memory(m->bytes, m->n);
	Dwarf *dwarf = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
	if (dwarf)
		f(to, &s, dwarf);
	dwarf_end(dwarf);
	elf_end(elf);
	const struct debug_section *all[] = { &s.info, &s.abbreviations, &s.lines, &s.line_strings, &s.strings };
	for (size_t i = 0; i < N(all); i++)
		release(all[i]);
}

/* Tries each length of a section, up to its full length. */
static inline void cut(struct image *m, Elf64_Shdr *section, look *f, void *to)
{
	size_t whole = section ? section->sh_size : 0;
	for (size_t n = 0; n < whole; n++) {
		section->sh_size = n;
		look_at(m, f, to);
	}
	if (section)
		section->sh_size = whole;
}

/* Changes each bit of a section, then some bytes at a time. */
static inline void flip(struct image *m, Elf64_Shdr *section, look *f, void *to)
{
	char *bytes = m->bytes + section->sh_offset, *whole = malloc(section->sh_size);
	memcpy(whole, bytes, section->sh_size);
	for (size_t i = 0; i < 8 * section->sh_size; i++) {
		bytes[i / 8] ^= 1 << i % 8;
		look_at(m, f, to);
		bytes[i / 8] ^= 1 << i % 8;
	}
	for (unsigned round = 0; round < 2000; round++) {
		for (unsigned n = 1 + any(4); n > 0; n--)
			bytes[any((unsigned)section->sh_size)] = (char)any(256);
		look_at(m, f, to);
		memcpy(bytes, whole, section->sh_size);
	}
	free(whole);
}

#endif
