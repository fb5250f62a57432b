/*
 * pytext.h - converts a Python str to UTF-8
 */
#ifndef PYTEXT_H
#define PYTEXT_H

#include <stddef.h>

#include "pylayout.h"

/*
 * Writes the str object at `str` into out[0..capacity), without a final NUL; returns the
 * number of bytes. Lone surrogates are written as \udcff, as Python's
 * backslashreplace does. A text that is too long is cut between two characters; one
 * that cannot be read becomes "?". Allocates nothing.
 */
size_t text_utf8(const struct py_layout *o, uintptr_t str, char *out, size_t capacity);

#endif
