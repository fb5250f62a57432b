/*
 * loaded.c - the loaded object at an address
 */
#include "loaded.h"


#include "libc.h"
#include "memory.h"
#include "object.h"

/* ---------------------------------------------------------------- an index, for musl */

static struct lock lock;
static struct loaded *objects;
static uint32_t n_objects, capacity;
static unsigned long long adds_seen = ~0ull;	/* dlpi_adds when the index was made; musl counts from 0 */

static bool grow(void)
{
	struct loaded *p = pages_grow(objects, &capacity, n_objects, sizeof *p);
	if (p)
		objects = p;
	return p;
}

static const struct loaded *find(uintptr_t pc)
{
	for (uint32_t i = n_objects; i-- > 0;)
		if (pc - objects[i].start < objects[i].end - objects[i].start)
			return &objects[i];
	return NULL;
}

/* The program is listed first, under the name by which it was executed. */
static int add(struct dl_phdr_info *info, size_t size, void *first)
{
	struct loaded o = { .bias = info->dlpi_addr, .start = UINTPTR_MAX, .path = info->dlpi_name,
			    .identity = info->dlpi_phdr };
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = o.bias + p->p_vaddr, to = from + p->p_memsz;
		if (p->p_type == PT_LOAD) {
			o.start = from < o.start ? from : o.start;
			o.end = to > o.end ? to : o.end;
		} else if (p->p_type == PT_GNU_EH_FRAME) {
			o.unwind_table = (const void *)from;
		}
	}
	o.start &= ~4095ul;
	if (*(bool *)first)
		o.path = "";
	*(bool *)first = false;
	if (o.end > o.start && !find(o.start) && (n_objects < capacity || grow()))
		objects[n_objects++] = o;
	adds_seen = info->dlpi_adds;
	return 0;
}

static int count_adds(struct dl_phdr_info *info, size_t size, void *changed)
{
	(void)size;
	*(bool *)changed = info->dlpi_adds != adds_seen;
	return 1;
}

/* Code that is in no object (made at run time) is looked up again and again: then only the loader's count is read. */
static bool find_indexed(uintptr_t pc, struct loaded *to)
{
	bool changed = false, first = true;
	lock_take(&lock);
	const struct loaded *o = find(pc);
	if (!o) {
		dl_iterate_phdr(count_adds, &changed);
		if (changed)
			dl_iterate_phdr(add, &first);
		o = find(pc);
	}
	if (o)
		*to = *o;
	lock_drop(&lock);
	return o != NULL;
}

/* ---------------------------------------------------------------- either */

bool loaded_known(void)
{
	return libc_find_object || libc_is_musl;
}

bool loaded_at(uintptr_t pc, struct loaded *o)
{
	struct dl_find_object found;
	if (!libc_find_object)
		return libc_is_musl && find_indexed(pc, o);
	if (libc_find_object((void *)pc, &found) != 0)
		return false;
	const struct link_map *map = found.dlfo_link_map;
	*o = (struct loaded){ (uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end, map->l_addr,
			      map->l_name ? map->l_name : "", found.dlfo_eh_frame, map };
	return true;
}

void loaded_forked(void)
{
	lock = (struct lock){ 0 };
}
