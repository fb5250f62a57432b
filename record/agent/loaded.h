/*
 * loaded.h - the loaded object at an address
 */
#ifndef LOADED_H
#define LOADED_H

#include <stdbool.h>
#include <stdint.h>

struct loaded {
	uintptr_t start, end, bias;
	const char *path;		/* as the loader knows it; "": the program itself */
	const void *unwind_table;	/* its .eh_frame_hdr; NULL: none */
	const void *identity;		/* another one at the same addresses has another */
};

/*
 * Returns whether objects can be found: by _dl_find_object() (glibc 2.35), which takes no lock; in musl, which never
 * unloads one, by an index of our own. With an older glibc they cannot: a child could find the loader's lock taken.
 */
bool loaded_known(void);

/* Stores the object that contains `pc`; false: there is none. */
bool loaded_at(uintptr_t pc, struct loaded *o);

void loaded_forked(void);

#endif
