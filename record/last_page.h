/*
 * last_page.h - the page of a trace whose program ran out of memory: memflame writes it
 */
#ifndef LAST_PAGE_H
#define LAST_PAGE_H

#include <stdbool.h>

/*
 * Runs memflame on the trace, and replaces `file` by its page once that is whole. Returns whether it is; otherwise the
 * reason has been printed, and the file is as before.
 */
bool last_page_write(const char *trace, const char *file);

#endif
