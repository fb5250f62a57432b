/*
 * libc.c - the program's C library: which one it is, and functions that it may lack, looked up when the agent is loaded
 */
#include "libc.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

static const char several;
const char *libc_single_threaded = &several;
int (*libc_find_object)(void *, struct dl_find_object *);
uintptr_t libc_stack_end;
bool libc_is_musl;

void libc_resolve(void)
{
	static bool resolved;
	if (resolved)
		return;
	resolved = true;
	const char *single = object_first("__libc_single_threaded");
	uintptr_t *end = object_first("__libc_stack_end");
	if (single)
		libc_single_threaded = single;
	libc_stack_end = end ? *end + 8 : getauxval(AT_RANDOM) & ~7ul;
	*(void **)&libc_find_object = object_first("_dl_find_object");
	libc_is_musl = !object_first("gnu_get_libc_version");
}

/* Before the other constructors, which use it. (On a function declared before, gcc would forget the priority.) */
__attribute__((constructor(101))) static void resolve(void)
{
	libc_resolve();
}

/* The loader stores it in the program's dynamic section, which is listed first. */
static int find_list(struct dl_phdr_info *info, size_t size, void *list)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
		for (; d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_DEBUG)
				*(uintptr_t *)list = d->d_un.d_ptr;
	}
	return 1;
}

struct r_debug *libc_objects(void)
{
	struct r_debug *list = object_first("_r_debug");
	if (!list)
		dl_iterate_phdr(find_list, &list);
	return list;
}

bool libc_is(const struct object *o)
{
	return strncmp(o->soname, "libc.so", 7) == 0 || (uintptr_t)__errno_location - o->start < o->end - o->start;
}
