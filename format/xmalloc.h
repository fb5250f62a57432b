/*
 * xmalloc.h - allocation that succeeds or exits, for tools (the library returns ENOMEM)
 */
#ifndef XMALLOC_H
#define XMALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Zeroed memory for a table that is read at random places: if large, in huge pages, where they may be had
 * (small ones cost a miss each, and a fault to begin with). Given back with the size it was asked for.
 */
void *xtable_new(size_t n, size_t size);
void table_free(void *p, size_t n, size_t size);

/* Make room for index n in the array p of cap items: grows by half again. In size_t, whatever type n has: half of 2^32 more is no less. */
#define GROW(p, n, cap) \
	do { \
		if ((n) >= (cap)) { \
			(cap) = (size_t)(n) + (size_t)(n) / 2 + 16; \
			(p) = xreallocarray((p), (cap), sizeof *(p)); \
		} \
	} while (0)

#endif
