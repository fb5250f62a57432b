/*
 * utf8.h - is it UTF-8, and may it be shown?
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes (1 to 4) of the character at p, at most n; 0: no valid UTF-8 begins there. */
size_t utf8_size(const char *p, size_t n);
/* The character of those bytes. */
uint32_t utf8_character(const char *p, size_t size);

/*
 * The one rule about what may reach a terminal or an editor as it is: the size of the character at p, as above; 0 if
 * it is not valid, or is obeyed instead of shown: controls (C0, DEL, C1), what reorders the text
 * around it (bidirectional marks, embeddings, overrides, isolates), line and paragraph separators.
 */
size_t utf8_shown(const char *p, size_t n);

#endif
