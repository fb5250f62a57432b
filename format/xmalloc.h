/*
 * xmalloc.h - allocation that succeeds or exits, for tools (the library returns ENOMEM)
 */
#ifndef XMALLOC_H
#define XMALLOC_H

#include <stddef.h>
#include <stdio.h>

/* Called first when there is no memory, if it is set: who has more to do than to die does it there. */
extern void (*out_of_memory)(void);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* As msgpack_sbuffer_write(), which a packer is given to write by. */
int xpack(void *buffer, const char *p, size_t n);
/*
 * A stream into memory, *text of *n bytes once it is closed, which the caller frees. Closing dies if any of it did not
 * fit.
 */
FILE *xmemstream(char **text, size_t *n);
void xmemstream_close(FILE *stream, char *const *text);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Zeroed memory for a table that is read at random places: if large, in huge pages, where they may be had
 * (small ones cost a miss each, and a fault to begin with). Given back with the size it was asked for.
 */
void *xtable_new(size_t n, size_t size);
void table_free(void *p, size_t n, size_t size);

/*
 * Make room for index n in the array p of cap items: grows by half again. In size_t, whatever type n has: half of 2^32
 * more is no less.
 */
#define GROW(p, n, cap) \
	do { \
		if ((n) >= (cap)) { \
			(cap) = (size_t)(n) + (size_t)(n) / 2 + 16; \
			(p) = xreallocarray((p), (cap), sizeof *(p)); \
		} \
	} while (0)

#endif
