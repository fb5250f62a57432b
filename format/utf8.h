/*
 * utf8.h - is it UTF-8?
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/* Bytes (1 to 4) of the character at p, at most n; 0: no valid UTF-8 begins there. */
size_t utf8_size(const char *p, size_t n);

#endif
