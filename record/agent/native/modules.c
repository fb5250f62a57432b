/*
 * modules.c - reports loaded objects to the collector
 *
 * An object is reported before the first node inside it: its addresses, its
 * path, and its build id as in memory. So the collector need not read
 * the process's mappings, which may have changed by then.
 */
#include <elf.h>
#include <link.h>
#include <string.h>

#include "agent.h"
#include "loaded.h"
#include "memory.h"
#include "modules.h"
#include "native.h"
#include "ring.h"
#include "wire.h"

#define BUILD_ID_MAX 64

struct reported_module { uintptr_t start, end; const void *identity; };

static struct lock lock;
static struct reported_module *modules;		/* in no order */
static uint32_t n_modules, capacity;

static bool is_known(uintptr_t pc)
{
	for (uint32_t i = n_modules; i-- > 0;)
		if (pc - modules[i].start < modules[i].end - modules[i].start)
			return true;
	return false;
}

static bool modules_grow(void)
{
	struct reported_module *p = pages_grow(modules, &capacity, n_modules, sizeof *p);
	if (p)
		modules = p;
	return p;
}

/* Finds the id in a segment of notes. */
static size_t find_id(const uint8_t *p, size_t n, const uint8_t **id)
{
	while (n >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) h;
		memcpy(&h, p, sizeof h);
		size_t name = (h.n_namesz + 3u) & ~3u, size = (h.n_descsz + 3u) & ~3u;
		if (name > n - sizeof h || size > n - sizeof h - name)
			break;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && memcmp(p + sizeof h, "GNU", 4) == 0) {
			*id = p + sizeof h + name;
			return h.n_descsz <= BUILD_ID_MAX ? h.n_descsz : BUILD_ID_MAX;
		}
		p += sizeof h + name + size;
		n -= sizeof h + name + size;
	}
	return 0;
}

/* The object's headers are in its first page. */
static size_t build_id(const struct loaded *o, const uint8_t **id)
{
	const ElfW(Ehdr) *e = (const void *)o->start;
	*id = NULL;
	if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_phoff + e->e_phnum * sizeof(ElfW(Phdr)) > 4096)
		return 0;
	const ElfW(Phdr) *h = (const void *)((const char *)e + e->e_phoff);
	size_t n = 0;
	for (unsigned i = 0; i < e->e_phnum && n == 0; i++)
		if (h[i].p_type == PT_NOTE)
			n = find_id((const uint8_t *)(o->bias + h[i].p_vaddr), h[i].p_memsz, id);
	return n;
}

static void report(const struct loaded *o)
{
	const uint8_t *id;
	struct wire_module head = {
		.start = o->start, .end = o->end, .bias = o->bias, .path_size = (uint32_t)strlen(o->path),
	};
	head.id_size = (uint32_t)build_id(o, &id);
	struct piece pieces[] = { { &head, sizeof head }, { o->path, head.path_size }, { id, head.id_size } };
	ring_message(WIRE_MODULE, 0, pieces, head.id_size ? 3 : 2);
}

COLD void module_of(uintptr_t pc)
{
	struct loaded o;
	lock_take(&lock);
	if (!is_known(pc) && loaded_at(pc, &o) && (n_modules < capacity || modules_grow())) {
		report(&o);
		modules[n_modules++] = (struct reported_module){ o.start, o.end, o.identity };
	}
	lock_drop(&lock);
}

static bool is_loaded(const struct reported_module *m)
{
	struct loaded o;
	return loaded_at(m->start, &o) && o.identity == m->identity && o.end == m->end;
}

bool modules_unloaded(void)
{
	uint32_t n = 0, before;
	lock_take(&lock);
	before = n_modules;
	for (uint32_t i = 0; i < before; i++)
		if (is_loaded(&modules[i]))
			modules[n++] = modules[i];
	n_modules = n;
	lock_drop(&lock);
	return n < before;
}

void modules_forked(void)
{
	lock = (struct lock){ 0 };
	n_modules = 0;
}
