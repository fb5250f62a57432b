/*
 * utf8.h - validate UTF-8, and find characters that must not reach a terminal
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Returns the size (1 to 4, at most n) of the character at p; 0 if no valid UTF-8 begins there. */
size_t utf8_size(const char *p, size_t n);
/* Returns the code point of the character at p, whose size utf8_size() returned. */
uint32_t utf8_character(const char *p, size_t size);

/*
 * The one rule about characters that may reach a terminal or an editor unchanged. Returns the size of the character
 * at p, as above; 0 if it is not valid, or would be obeyed instead of shown: controls (C0, DEL, C1), bidirectional
 * marks, embeddings, overrides and isolates, line and paragraph separators.
 */
size_t utf8_shown(const char *p, size_t n);

#endif
