/*
 * shared.h - memory shared with the recorded programs
 *
 * The programs are not trusted: none can change its size (accessing a mapping of a truncated
 * file raises SIGBUS).
 */
#ifndef SHARED_H
#define SHARED_H

#include <stddef.h>

enum shared_writers {
	SHARED_BOTH,		/* the descriptor may be mapped for writing */
	SHARED_OURS_ALONE,	/* the descriptor is read-only */
};

/*
 * Returns zeroed memory of `size` bytes, mapped for writing, and in *memfd the descriptor to pass
 * on, which the caller closes. On failure returns NULL with errno set and *memfd = -1.
 */
void *shared_new(const char *name, size_t size, enum shared_writers writers, int *memfd);
/* Returns why it failed, from errno. */
const char *shared_why(void);

#endif
