/*
 * libc.h - functions that the C library may lack, depending on its age
 *
 * The agent is loaded into programs of any C library from glibc 2.17 on, so it imports nothing
 * that came later: a symbol that the loader does not find would end the program. What came later is
 * looked up when the agent is loaded. tests/wheels.bats checks the imports.
 */
#ifndef LIBC_H
#define LIBC_H

#include <dlfcn.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* __libc_single_threaded (glibc 2.32): not 0 while the process has one thread. Where it is missing, a 0. */
extern HIDDEN const char *libc_single_threaded;

/* _dl_find_object() (glibc 2.35); NULL: there is none. */
extern HIDDEN int (*libc_find_object)(void *, struct dl_find_object *);

#endif
