/*
 * pytext.h - a Python str as UTF-8
 */
#ifndef PYTEXT_H
#define PYTEXT_H

#include <stddef.h>

#include "pylayout.h"

/*
 * The str object at `str` into out[0..capacity), not terminated; returns the
 * bytes written. Lone surrogates are written \udcff, as Python's
 * backslashreplace does; a text too long is cut between two characters; what
 * cannot be read is "?". Allocates nothing.
 */
size_t text_utf8(const struct py_layout *o, uintptr_t str, char *out, size_t capacity);

#endif
