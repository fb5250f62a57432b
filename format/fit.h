/*
 * fit.h - text in so many columns
 */
#ifndef FIT_H
#define FIT_H

#include <stddef.h>

/*
 * UTF-8 text, as tool_printable() makes it, in at most that many columns (a
 * character is one): where it is longer, the middle becomes "…", as the
 * beginning of a function and the end of its file tell most. To be freed. Dies without memory.
 */
char *fit(const char *text, size_t columns);

#endif
