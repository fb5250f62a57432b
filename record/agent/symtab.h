/*
 * symtab.h - symbols of a loaded object that are only in its file
 *
 * The loader maps the symbols that an object exports. Those of its own functions are in the file's symbol
 * table, unless that was stripped.
 */
#ifndef SYMTAB_H
#define SYMTAB_H

#include <stddef.h>
#include <stdint.h>

#include "object.h"

#define SYMTAB_MOST 96

/*
 * Looks for n functions (at most SYMTAB_MOST) of the object whose file is `path` ("": the program's). Stores the
 * address of each that is found in addresses[], and leaves the others as they are. A file that is not the one that
 * was loaded has none.
 */
void symtab_find(const struct object *o, const char *path, const char *const names[], size_t n, uintptr_t addresses[]);

#endif
