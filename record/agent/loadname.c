/*
 * loadname.c - the name by which the loader, and so every debugger, knows the agent
 *
 * The name is one pointer of the loader's, which readers of its list follow without a lock:
 * it is replaced by one store, and what it points to never changes or goes
 * away. dlclose would free it, so the agent is linked to stay (-z nodelete). The loader
 * itself compares it with the names that dlopen is given; it keeps the first name as well.
 */
#include "loadname.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>

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

/* The constructor runs under the loader's lock: the list is at rest. */
void loadname_init(void)
{
	for (own = _r_debug.r_map; own && own->l_ld != _DYNAMIC; own = own->l_next)
		;
	if (own && !is_library(own->l_name))
		rename_to(LOADNAME_NONE);
}

void loadname_set(const char *path)
{
	size_t n = strlen(path);
	if (!own || n == 0 || n >= sizeof name || strcmp(own->l_name, LOADNAME_NONE) != 0)
		return;
	memcpy(name, path, n + 1);
	rename_to(name);
}
