/*
 * fit.h - fit text into a number of columns
 */
#ifndef FIT_H
#define FIT_H

#include <stddef.h>

/*
 * Returns UTF-8 text, as tool_printable() makes it, cut to that many columns
 * (one per character): in longer text the middle becomes "…", since the start of
 * a function's name and the end of its file's say most. The caller frees it. Exits if out of memory.
 */
char *fit(const char *text, size_t columns);

#endif
