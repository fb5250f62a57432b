/*
 * libc.h - the program's C library: which one it is, and functions that it may lack
 *
 * The agent is loaded into programs of glibc from 2.17 on and of musl from 1.2.2 on. It is linked with neither: it has
 * only symbols without a version, which the loader binds to the program's C library, and imports
 * nothing that one of them does not have, since a symbol that the loader does not find would end the program.
 * Everything else is looked up when the agent is loaded. tests/musl.bats checks the imports.
 */
#ifndef LIBC_H
#define LIBC_H

#include <dlfcn.h>
#include <stdbool.h>

#include "agent.h"
#include "object.h"

/* __libc_single_threaded (glibc 2.32): not 0 while the process has one thread. Where it is missing, a 0. */
extern OWN const char *libc_single_threaded;

/* _dl_find_object() (glibc 2.35); NULL: there is none. */
extern OWN int (*libc_find_object)(void *, struct dl_find_object *);

/* An address above all frames of the first thread: __libc_stack_end, or the kernel's data above them. */
extern OWN uintptr_t libc_stack_end;

/* It is musl, whose calloc() and memalign() call the first malloc() in the order of search; it unloads nothing. */
extern OWN bool libc_is_musl;

/* Looks them all up, once. The first constructor calls it, and hooks that are called even earlier. */
void libc_resolve(void);

/* The loader's list of objects for debuggers; NULL: not found. */
struct r_debug *libc_objects(void);

/* Returns whether the object is the C library. musl's is also the loader, and has any soname or none. */
bool libc_is(const struct object *o);

#endif
