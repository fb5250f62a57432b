/*
 * object.h - a loaded object (the program or a library): its addresses, symbols and relocations
 *
 * It is read from the object's headers, not by dlsym(), which does not see objects
 * opened with RTLD_LOCAL, takes the loader's lock (a constructor that waits for
 * our thread would deadlock), and allocates if it finds nothing.
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

/* Reads an object from the argument of a dl_iterate_phdr() callback. Returns false if it has no symbols. */
bool object_read(struct object *o, const struct dl_phdr_info *info);

uint32_t object_hash(const char *name);
/*
 * Returns the address of the default version of the symbol `name`, if the object defines it, or 0.
 * Symbols without a section are skipped: a program that is not
 * position-independent gives them the address of its own stub.
 */
uintptr_t object_symbol_hashed(const struct object *o, const char *name, uint32_t hash);
/* Returns the symbol itself, or NULL. */
const ElfW(Sym) *object_find(const struct object *o, const char *name, uint32_t hash);

static inline uintptr_t object_symbol(const struct object *o, const char *name)
{
	return object_symbol_hashed(o, name, object_hash(name));
}

/* The first definition in the order of search, as the loader binds to it: ours too. NULL: there is none. */
void *object_first(const char *name);

#endif
