/*
 * symtab.c - symbols of a loaded object that are only in its file
 *
 * The file is read, not mapped: if somebody shortens it meanwhile, a mapping would end the program. First the names
 * are searched for in the table of strings, then the symbols with one of these names. A name may be the end of
 * a longer string, because linkers store such strings once.
 */
#include "symtab.h"

#include <fcntl.h>
#include <string.h>

#include "memory.h"
#include "system_call.h"

#define CHUNK (128u << 10)
#define COMPARED 16u		/* bytes of each function: in memory as in the file? */

struct search {
	const struct object *o;
	const char *const *names;
	size_t n;
	uintptr_t *addresses;
	size_t lengths[SYMTAB_MOST];
	uint64_t strings[SYMTAB_MOST];	/* offset of each name in the table of strings; 0: not there */
	int fd;
	char *buffer;			/* CHUNK bytes */
	ElfW(Ehdr) header;
};

static bool read_at(const struct search *s, void *to, size_t size, uint64_t offset)
{
	return system_call(SYS_pread64, s->fd, to, size, offset) == (long)size;
}

static bool read_header(const struct search *s, ElfW(Shdr) *h, uint64_t index)
{
	return index < s->header.e_shnum && read_at(s, h, sizeof *h, s->header.e_shoff + index * sizeof *h);
}

/* Finds the table of symbols and its strings. */
static bool find_tables(const struct search *s, ElfW(Shdr) *symbols, ElfW(Shdr) *strings)
{
	for (uint64_t i = 0; read_header(s, symbols, i); i++)
		if (symbols->sh_type == SHT_SYMTAB && symbols->sh_entsize == sizeof(ElfW(Sym)))
			return read_header(s, strings, symbols->sh_link) && strings->sh_type == SHT_STRTAB;
	return false;
}

static void match_string(struct search *s, const char *text, size_t size, uint64_t offset)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t length = s->lengths[i];
		if (length <= size && text[size - 1] == s->names[i][length - 1] &&
		    memcmp(text + size - length, s->names[i], length) == 0)
			s->strings[i] = offset + size - length;
	}
}

/* Returns whether any name was found. */
static bool find_strings(struct search *s, const ElfW(Shdr) *table)
{
	uint64_t at = 0;
	while (at < table->sh_size) {
		uint64_t left = table->sh_size - at;
		size_t size = left < CHUNK ? (size_t)left : CHUNK;
		if (!read_at(s, s->buffer, size, table->sh_offset + at))
			return false;
		size_t done = 0;
		for (const char *end; (end = memchr(s->buffer + done, '\0', size - done)) != NULL;) {
			size_t length = (size_t)(end - s->buffer) - done;
			match_string(s, s->buffer + done, length, at + done);
			done += length + 1;
		}
		at += done ? done : size;	/* no string is as long, except in a strange file */
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->strings[i])
			return true;
	return false;
}

/* Returns whether the file has the same code there as the memory. */
static bool is_loaded(const struct search *s, const ElfW(Sym) *symbol)
{
	uint8_t code[COMPARED];
	ElfW(Phdr) p;
	for (uint64_t i = 0; i < s->header.e_phnum; i++) {
		if (!read_at(s, &p, sizeof p, s->header.e_phoff + i * sizeof p))
			return false;
		if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || symbol->st_value < p.p_vaddr ||
		    symbol->st_value + COMPARED > p.p_vaddr + p.p_filesz)
			continue;
		uintptr_t address = s->o->bias + symbol->st_value;
		return read_at(s, code, sizeof code, p.p_offset + symbol->st_value - p.p_vaddr) &&
		       address >= s->o->start && address + COMPARED <= s->o->end &&
		       memcmp((const void *)address, code, sizeof code) == 0;
	}
	return false;
}

static void match_symbol(const struct search *s, const ElfW(Sym) *symbol)
{
	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF || !symbol->st_value)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->strings[i] && s->strings[i] == symbol->st_name && is_loaded(s, symbol))
			s->addresses[i] = s->o->bias + symbol->st_value;
}

static void find_symbols(const struct search *s, const ElfW(Shdr) *table)
{
	for (uint64_t at = 0; at + sizeof(ElfW(Sym)) <= table->sh_size;) {
		uint64_t left = table->sh_size - at;
		size_t size = left < CHUNK ? (size_t)left : CHUNK;
		size -= size % sizeof(ElfW(Sym));
		if (!read_at(s, s->buffer, size, table->sh_offset + at))
			return;
		for (size_t i = 0; i < size; i += sizeof(ElfW(Sym)))
			match_symbol(s, (const ElfW(Sym) *)(const void *)(s->buffer + i));
		at += size;
	}
}

void symtab_find(const struct object *o, const char *path, const char *const names[], size_t n, uintptr_t addresses[])
{
	struct search s = { .o = o, .names = names, .n = n < SYMTAB_MOST ? n : SYMTAB_MOST, .addresses = addresses };
	ElfW(Shdr) symbols, strings;
	for (size_t i = 0; i < s.n; i++)
		s.lengths[i] = strlen(names[i]);
	s.fd = (int)system_call(SYS_openat, AT_FDCWD, *path ? path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (s.fd < 0)
		return;
	s.buffer = pages_new(CHUNK);
	if (s.buffer && read_at(&s, &s.header, sizeof s.header, 0) &&
	    memcmp(s.header.e_ident, ELFMAG, SELFMAG) == 0 && s.header.e_shentsize == sizeof(ElfW(Shdr)) &&
	    find_tables(&s, &symbols, &strings) && find_strings(&s, &strings))
		find_symbols(&s, &symbols);
	if (s.buffer)
		pages_free(s.buffer, CHUNK);
	system_call(SYS_close, s.fd);
}
