/*
 * loadname.c - the name by which the loader, and so every debugger, knows the agent
 *
 * The name is a pointer in the loader's list, which readers follow without a lock. So it
 * is replaced by one store, and the string it points to is never changed or freed.
 * dlclose would free it; the agent is linked with -z nodelete, so that never happens. The loader
 * compares this name with the argument of dlopen; it also keeps the original name.
 */
#include "loadname.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "libc.h"

static struct link_map *own;
static char name[4096];

static void rename_to(const char *new)
{
	__atomic_store_n(&own->l_name, (char *)(uintptr_t)new, __ATOMIC_RELEASE);
}

static bool is_library(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strcmp(slash ? slash + 1 : path, LOADNAME_NONE) == 0;
}

/* The constructor runs under the loader's lock, so the list does not change. */
void loadname_init(void)
{
	const struct r_debug *list = libc_objects();
	for (own = list ? list->r_map : NULL; own && own->l_ld != _DYNAMIC; own = own->l_next)
		;
	if (own && !is_library(own->l_name))
		rename_to(LOADNAME_NONE);
}

void loadname_set(const char *path)
{
	size_t n = strlen(path);
	bool named = !own || strcmp(own->l_name, LOADNAME_NONE) != 0;
	if (named || n == 0 || n >= sizeof name || strncmp(path, "/proc/", 6) == 0)
		return;
	memcpy(name, path, n + 1);
	rename_to(name);
}
