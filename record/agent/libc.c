/*
 * libc.c - functions that the C library may lack, looked up when the agent is loaded
 */
#include "libc.h"

#include "object.h"

static const char several;
const char *libc_single_threaded = &several;
int (*libc_find_object)(void *, struct dl_find_object *);

/* Before the other constructors, which use it. Hooks that are called even earlier do without. */
__attribute__((constructor(101))) static void resolve(void)
{
	const char *single = object_first("__libc_single_threaded");
	if (single)
		libc_single_threaded = single;
	*(void **)&libc_find_object = object_first("_dl_find_object");
}
