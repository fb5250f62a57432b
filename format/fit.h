/*
 * fit.h - fit text into a number of columns
 */
#ifndef FIT_H
#define FIT_H

#include <stddef.h>

/*
 * Returns UTF-8 text, as tool_printable() makes it, cut to that many columns (one per character). The path in
 * "name at path", "name (path)", "name [path]" or "name:/path" loses folders from its beginning, "load at
 * …/app/views.py:3", then the end of the name is cut, "handle_re…/views.py:3". A package's own file keeps its folder,
 * "…/shop/__init__.py:3", and "<frozen importlib._bootstrap>:241" is cut after a '.', "…_bootstrap>:241". Text
 * without a path is cut in the middle. The caller frees it. Exits if out of memory.
 */
char *fit(const char *text, size_t columns);

#endif
