/*
 * cursor.h - reads the bytes of a section of debug information within bounds
 *
 * Numbers are little-endian, whatever this machine is. When an item is not there completely,
 * the cursor becomes bad and moves to its end, and every later read returns 0. So the
 * result needs checking only at the end, and loops over a cursor terminate.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline void cursor_fail(struct cursor *c)
{
	c->bad = true;
	c->at = c->end;
}

static inline void cursor_skip(struct cursor *c, uint64_t n)
{
	if (n > cursor_left(c))
		cursor_fail(c);
	else
		c->at += n;
}

/* Reads a number of at most 8 bytes. */
static inline uint64_t cursor_number(struct cursor *c, unsigned size)
{
	uint64_t v = 0;
	if (size > cursor_left(c)) {
		cursor_fail(c);
		return 0;
	}
	for (unsigned i = size; i > 0; i--)
		v = v << 8 | c->at[i - 1];
	c->at += size;
	return v;
}

/* Reads LEB128 of at most 10 bytes and drops bits above 64. *bits: the number of bits it had. */
static inline uint64_t cursor_leb(struct cursor *c, unsigned *bits)
{
	uint64_t v = 0;
	for (*bits = 0; c->at < c->end && *bits < 70;) {
		uint8_t byte = *c->at++;
		v |= (uint64_t)(byte & 0x7f) << *bits;
		*bits += 7;
		if (byte < 0x80)
			return v;
	}
	cursor_fail(c);
	return 0;
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
	unsigned bits;
	return cursor_leb(c, &bits);
}

/* Reads signed LEB128 of at most 9 bytes. */
static inline int64_t cursor_sleb(struct cursor *c)
{
	unsigned bits;
	uint64_t v = cursor_leb(c, &bits);
	if (bits > 63)
		cursor_fail(c);
	else if (!c->bad && v >> (bits - 1) & 1)
		v |= UINT64_MAX << bits;
	return (int64_t)v;
}

/* Reads a NUL-terminated text. Returns "" if there is no NUL. */
static inline const char *cursor_text(struct cursor *c)
{
	const char *s = (const char *)c->at;
	const uint8_t *nul = c->at < c->end ? memchr(c->at, 0, cursor_left(c)) : NULL;
	if (!nul) {
		cursor_fail(c);
		return "";
	}
	c->at = nul + 1;
	return s;
}

#endif
