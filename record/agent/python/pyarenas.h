/*
 * pyarenas.h - which mappings are the arenas of Python's own allocator
 */
#ifndef PYARENAS_H
#define PYARENAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a mapping function with these arguments was called by that allocator. `caller`: where it returns to. */
bool pyarenas_has(size_t n, int protection, int flags, uintptr_t caller);

#endif
