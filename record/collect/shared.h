/*
 * shared.h - memory that is shared with the programs being recorded
 *
 * They are not trusted: none of them can change its size (a mapping that was cut off
 * kills whoever touches it, by SIGBUS).
 */
#ifndef SHARED_H
#define SHARED_H

#include <stddef.h>

enum shared_writers {
	SHARED_BOTH,		/* the descriptor may be mapped to be written to */
	SHARED_OURS_ALONE,	/* whoever has the descriptor can only read */
};

/*
 * Returns zeroed memory of `size` bytes, mapped to be written to, and in *memfd the descriptor to be handed
 * out; the caller closes it. NULL: errno says why, and *memfd is none.
 */
void *shared_new(const char *name, size_t size, enum shared_writers writers, int *memfd);

#endif
