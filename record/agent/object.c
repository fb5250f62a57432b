/*
 * object.c - a loaded object, read from its headers
 *
 * Source: the GNU hash table as glibc reads it (elf/dl-lookup.c, do_lookup_x).
 */
#include "object.h"

#include <string.h>

#define PAGE 4096ul

/* glibc relocates the addresses in a dynamic section, except where it is read-only. */
static const void *address(const struct object *o, ElfW(Addr) a)
{
	return (const void *)(a < o->bias ? a + o->bias : a);
}

static void read_dynamic(struct object *o, const ElfW(Dyn) *d)
{
	size_t soname = 0;
	for (; d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_SYMTAB: o->symbols = address(o, d->d_un.d_ptr); break;
		case DT_STRTAB: o->strings = address(o, d->d_un.d_ptr); break;
		case DT_VERSYM: o->versions = address(o, d->d_un.d_ptr); break;
		case DT_GNU_HASH: o->gnu_hash = address(o, d->d_un.d_ptr); break;
		case DT_RELA: o->rela = address(o, d->d_un.d_ptr); break;
		case DT_RELASZ: o->n_rela = d->d_un.d_val / sizeof(ElfW(Rela)); break;
		case DT_JMPREL: o->jump = address(o, d->d_un.d_ptr); break;
		case DT_PLTRELSZ: o->n_jump = d->d_un.d_val / sizeof(ElfW(Rela)); break;
		case DT_SONAME: soname = d->d_un.d_val; break;
		}
	o->soname = soname && o->strings ? o->strings + soname : "";
}

bool object_read(struct object *o, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dynamic = NULL;
	*o = (struct object){ .bias = info->dlpi_addr, .start = UINTPTR_MAX };
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = o->bias + p->p_vaddr, to = from + p->p_memsz;
		if (p->p_type == PT_LOAD) {
			o->start = from < o->start ? from : o->start;
			o->end = to > o->end ? to : o->end;
		} else if (p->p_type == PT_DYNAMIC) {
			dynamic = (const void *)from;
		} else if (p->p_type == PT_GNU_RELRO) {
			o->relro_start = from & ~(PAGE - 1);
			o->relro_end = to & ~(PAGE - 1);
		}
	}
	if (!dynamic)
		return false;
	read_dynamic(o, dynamic);
	return o->symbols && o->strings;
}

uint32_t object_hash(const char *name)
{
	uint32_t h = 5381;
	for (; *name; name++)
		h = h * 33 + (uint8_t)*name;
	return h;
}

static bool is_default(const struct object *o, uint32_t symbol)
{
	return !o->versions || !(o->versions[symbol] & 0x8000);
}

const ElfW(Sym) *object_find(const struct object *o, const char *name, uint32_t hash)
{
	const uint32_t *h = o->gnu_hash;	/* number of buckets, first symbol, words of the Bloom filter, shift */
	if (!h || !h[0] || !h[2])
		return NULL;
	const uint64_t *bloom = (const uint64_t *)(const void *)(h + 4);
	uint64_t word = bloom[hash / 64 % h[2]], mask = 1ull << hash % 64 | 1ull << (hash >> h[3]) % 64;
	const uint32_t *buckets = (const uint32_t *)(const void *)(bloom + h[2]), *chains = buckets + h[0];
	if ((word & mask) != mask || buckets[hash % h[0]] < h[1])
		return NULL;
	for (uint32_t i = buckets[hash % h[0]];; i++) {
		uint32_t c = chains[i - h[1]];
		const ElfW(Sym) *s = &o->symbols[i];
		if ((c | 1) == (hash | 1) && s->st_shndx != SHN_UNDEF && s->st_value != 0 && is_default(o, i) &&
		    strcmp(o->strings + s->st_name, name) == 0)
			return s;
		if (c & 1)
			return NULL;
	}
}

uintptr_t object_symbol_hashed(const struct object *o, const char *name, uint32_t hash)
{
	const ElfW(Sym) *s = object_find(o, name, hash);
	return s ? o->bias + s->st_value : 0;
}

struct wanted {
	const char *name;
	uint32_t hash;
	void *found;
};

static int find_first(struct dl_phdr_info *info, size_t size, void *context)
{
	struct wanted *w = context;
	struct object o;
	(void)size;
	if (object_read(&o, info))
		w->found = (void *)object_symbol_hashed(&o, w->name, w->hash);
	return w->found != NULL;
}

/* Objects are listed as they are searched. */
void *object_first(const char *name)
{
	struct wanted w = { name, object_hash(name), NULL };
	dl_iterate_phdr(find_first, &w);
	return w.found;
}
