/*
 * mp.h - the msgpack that rows need: fast integers, and the size of an object
 *
 * msgpack-c reads the header's maps, but only after mp_measure() has checked
 * them, so that it cannot be made to allocate without bound.
 *
 * Source: the MessagePack specification, github.com/msgpack/msgpack/blob/master/spec.md
 */
#ifndef MP_H
#define MP_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MP_MAX_DEPTH 32			/* arrays and maps inside one another */
#define MP_MAX_OBJECT (16u << 20)	/* bytes */
#define MP_INT_SIZE 9			/* the longest integer */

enum mp_type { MP_INT, MP_STR, MP_BIN, MP_EXT, MP_ARRAY, MP_MAP, MP_FLOAT, MP_BOOL, MP_NIL };

/* The head of an object. */
struct mp_head {
	enum mp_type type;
	uint8_t size;	/* bytes of the head; a number is all head */
	uint32_t n;	/* bytes after it, or items of an array, or pairs of a map */
};

/* Bytes to be consumed from the front. */
struct mp_view {
	const uint8_t *p, *end;
};

/* Decodes the head at p. Returns 1, 0 if n bytes are too few (h->size are needed), or -1 if it is not msgpack. */
int mp_head(const uint8_t *p, size_t n, struct mp_head *h);
/*
 * Returns 1 if a whole object of *size bytes begins at p, 0 if it is incomplete
 * (it has at least *size bytes), -1 if it is not msgpack, or too deep or too large.
 */
int mp_measure(const uint8_t *p, size_t n, size_t *size);
/* Consume one object from a view. Return false, and consume nothing, if it is of another type or out of range. */
bool mp_take_int(struct mp_view *v, int64_t *value);
bool mp_take_uint(struct mp_view *v, uint64_t *value);
bool mp_take_head(struct mp_view *v, enum mp_type type, uint32_t *n);
bool mp_take_text(struct mp_view *v, const char **p, size_t *n);
bool mp_take_object(struct mp_view *v, const uint8_t **p, size_t *n);

/* The pairs of a map whose keys are texts, one after the other. */
struct mp_pairs {
	const char *key;		/* of the pair taken last */
	size_t key_size;
	struct mp_view value;		/* one object */
	bool damaged;			/* it is not such a map, or not a whole one */

	struct mp_view rest;
	uint32_t n;			/* pairs not taken yet */
};

struct mp_pairs mp_pairs_begin(const char *map, size_t size);
/* Takes the next pair. Returns false at the end and at damage. */
bool mp_pairs_next(struct mp_pairs *p);
bool mp_key_is(const struct mp_pairs *p, const char *key);

static inline uint64_t mp_load(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return be64toh(x);
}

/*
 * Reads the integer at p, where MP_INT_SIZE bytes must be readable. Returns its end, or NULL if it is not an integer
 * or does not fit.
 */
static inline const uint8_t *mp_get_int(const uint8_t *p, int64_t *value)
{
	uint8_t b = *p;

	if (b < 0x80 || b >= 0xe0) {
		*value = (int8_t)b;
		return p + 1;
	}
	if (b < 0xcc || b > 0xd3)
		return NULL;
	unsigned size = 1u << (b & 3), shift = 64 - 8 * size;
	uint64_t x = mp_load(p + 1);
	*value = b < 0xd0 ? (int64_t)(x >> shift) : (int64_t)x >> shift;
	if (b == 0xcf && *value < 0)
		return NULL;
	return p + 1 + size;
}

/* The same for an integer that is not negative. */
static inline const uint8_t *mp_get_uint(const uint8_t *p, uint64_t *value)
{
	uint8_t b = *p;

	if (b < 0x80) {
		*value = b;
		return p + 1;
	}
	if (b < 0xcc || b > 0xd3)
		return NULL;
	unsigned size = 1u << (b & 3), shift = 64 - 8 * size;
	uint64_t x = mp_load(p + 1);
	*value = x >> shift;
	if (b >= 0xd0 && (x >> 63))
		return NULL;
	return p + 1 + size;
}

/* Packers: p must have room for MP_INT_SIZE bytes. They write the shortest form and return its end. */
static inline uint8_t *mp_put_be(uint8_t *p, uint8_t tag, uint64_t v, unsigned size)
{
	uint64_t x = htobe64(v << (64 - 8 * size));

	*p = tag;
	memcpy(p + 1, &x, sizeof x);
	return p + 1 + size;
}

static inline uint8_t *mp_put_uint(uint8_t *p, uint64_t v)
{
	if (v < 0x80) {
		*p = (uint8_t)v;
		return p + 1;
	}
	if (v <= UINT8_MAX)
		return mp_put_be(p, 0xcc, v, 1);
	if (v <= UINT16_MAX)
		return mp_put_be(p, 0xcd, v, 2);
	if (v <= UINT32_MAX)
		return mp_put_be(p, 0xce, v, 4);
	return mp_put_be(p, 0xcf, v, 8);
}

static inline uint8_t *mp_put_int(uint8_t *p, int64_t v)
{
	if (v >= 0)
		return mp_put_uint(p, (uint64_t)v);
	if (v >= -32) {
		*p = (uint8_t)v;
		return p + 1;
	}
	if (v >= INT8_MIN)
		return mp_put_be(p, 0xd0, (uint64_t)v, 1);
	if (v >= INT16_MIN)
		return mp_put_be(p, 0xd1, (uint64_t)v, 2);
	if (v >= INT32_MIN)
		return mp_put_be(p, 0xd2, (uint64_t)v, 4);
	return mp_put_be(p, 0xd3, (uint64_t)v, 8);
}

static inline uint8_t *mp_put_text_head(uint8_t *p, uint32_t n)
{
	if (n < 32) {
		*p = (uint8_t)(0xa0 | n);
		return p + 1;
	}
	if (n <= UINT8_MAX)
		return mp_put_be(p, 0xd9, n, 1);
	if (n <= UINT16_MAX)
		return mp_put_be(p, 0xda, n, 2);
	return mp_put_be(p, 0xdb, n, 4);
}

#endif
