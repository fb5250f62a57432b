/*
 * object.h - a loaded object (the program, a library): where it lies, its symbols, its relocations
 *
 * Read from its own headers, not by dlsym(): that does not see what was opened
 * RTLD_LOCAL, takes the loader's big lock (a constructor that waits for a
 * thread of ours would hang), and allocates when it finds nothing.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object {
	uintptr_t bias, start, end;	/* end: of its last segment */
	uintptr_t relro_start, relro_end;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Half) *versions;
	const uint32_t *gnu_hash;
	const ElfW(Rela) *rela, *jump;
	size_t n_rela, n_jump;
	const char *soname;
};

/* From what dl_iterate_phdr() tells. False: nothing in it can be called or call. */
bool object_read(struct object *o, const struct dl_phdr_info *info);

uint32_t object_hash(const char *name);
/*
 * Where the symbol `name` is that an object defines, in its default version, or 0.
 * Symbols without a section are passed over: a program that is not
 * position-independent gives them the address of its own stub.
 */
uintptr_t object_symbol_hashed(const struct object *o, const char *name, uint32_t hash);

static inline uintptr_t object_symbol(const struct object *o, const char *name)
{
	return object_symbol_hashed(o, name, object_hash(name));
}

#endif
