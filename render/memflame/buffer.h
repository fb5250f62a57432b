/*
 * buffer.h - a growing buffer of bytes and varints
 */
#ifndef MEMFLAME_BUFFER_H
#define MEMFLAME_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "xmalloc.h"

/* Starts all zero; the caller frees p. */
struct buffer {
	uint8_t *p;
	size_t n, cap;
};

/* Appends a varint: 7 bits a byte, the lowest first; the top bit says that more follow. */
static inline void buffer_number(struct buffer *b, uint64_t v)
{
	GROW(b->p, b->n + 10, b->cap);
	for (; v > 127; v >>= 7)
		b->p[b->n++] = (uint8_t)(v | 128);
	b->p[b->n++] = (uint8_t)v;
}

/*
 * Appends n numbers: the number of bytes of the largest, then the lowest byte of each, the second one of each, and so
 * on. Bytes of one kind next to each other take a tenth less after compression than the bytes of one number.
 */
static inline void buffer_column(struct buffer *b, const uint64_t *v, size_t n)
{
	uint64_t all = 0;
	unsigned bytes = 0;

	for (size_t i = 0; i < n; i++)
		all |= v[i];
	for (; all; all >>= 8)
		bytes++;
	GROW(b->p, b->n + 1 + n * bytes, b->cap);
	b->p[b->n++] = (uint8_t)bytes;
	for (unsigned k = 0; k < bytes; k++)
		for (size_t i = 0; i < n; i++)
			b->p[b->n++] = (uint8_t)(v[i] >> 8 * k);
}

static inline void buffer_bytes(struct buffer *b, const void *p, size_t n)
{
	GROW(b->p, b->n + n, b->cap);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

#endif
