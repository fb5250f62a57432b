/*
 * xmalloc.h - allocation that succeeds or exits, for tools (the library returns ENOMEM)
 */
#ifndef XMALLOC_H
#define XMALLOC_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* If set, called before exiting for lack of memory: a program that must clean up does so there. */
extern void (*out_of_memory)(void);

/*
 * For programs that run long: from now on, blocks of 128 KiB and more have mappings of their own. They grow without
 * being copied and leave no holes. Otherwise the C library takes them from its heap once the first has been freed.
 */
void xmalloc_map_large(void);
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* A packer's write function, like msgpack_sbuffer_write(), that exits if out of memory. */
int xpack(void *buffer, const char *p, size_t n);
/*
 * Returns a stream that writes to memory. Once it is closed, *text has *n bytes; the caller frees it. Closing exits if
 * any write failed.
 */
FILE *xmemstream(char **text, size_t *n);
void xmemstream_close(FILE *stream, char *const *text);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Returns zeroed memory for a table with random access: if it is large, in huge pages where the system allows them
 * (small pages cost a TLB miss per access and a fault each). table_free() needs the same n and size.
 */
void *xtable_new(size_t n, size_t size);
void table_free(void *p, size_t n, size_t size);

/*
 * Makes room for index n in the array p of cap items: grows by half again. It computes in size_t, so that an n of a
 * smaller type does not overflow.
 */
#define GROW(p, n, cap) \
	do { \
		if ((n) >= (cap)) { \
			(cap) = (size_t)(n) + (size_t)(n) / 2 + 16; \
			(p) = xreallocarray((p), (cap), sizeof *(p)); \
		} \
	} while (0)

/*
 * Makes room for index n in an array with `used` items, and zeroes those up to n that are new. Memory that is not used
 * yet remains untouched, so it takes none.
 */
#define GROW_ZEROED(p, n, used, cap) \
	do { \
		GROW(p, n, cap); \
		if ((n) >= (used)) { \
			memset((p) + (used), 0, ((size_t)(n) + 1 - (used)) * sizeof *(p)); \
			(used) = (size_t)(n) + 1; \
		} \
	} while (0)

#endif
