/*
 * mp.h - msgpack, as far as rows need it: integers at speed, and how large an object is
 *
 * Maps of the header go through msgpack-c; it sees nothing that mp_measure()
 * has not found sound, so that it cannot be made to allocate without bound.
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

/* What an object begins with. */
struct mp_head {
	enum mp_type type;
	uint8_t size;	/* bytes of the head; all of a number */
	uint32_t n;	/* bytes that follow it, or items of an array, or pairs of a map */
};

/* Bytes to be taken from the front. */
struct mp_view {
	const uint8_t *p, *end;
};

/* 1: *h is the head at p. 0: n bytes do not hold it all, h->size says how many would. -1: not msgpack. */
int mp_head(const uint8_t *p, size_t n, struct mp_head *h);
/*
 * 1: a whole object of *size bytes begins at p. 0: not all of it is there, it
 * has at least *size bytes. -1: not msgpack, or deeper or larger than we read.
 */
int mp_measure(const uint8_t *p, size_t n, size_t *size);
/* Take one thing from a view. False: it is none, or out of range, and nothing was taken. */
bool mp_take_int(struct mp_view *v, int64_t *value);
bool mp_take_uint(struct mp_view *v, uint64_t *value);
bool mp_take_head(struct mp_view *v, enum mp_type type, uint32_t *n);
bool mp_take_text(struct mp_view *v, const char **p, size_t *n);
bool mp_take_object(struct mp_view *v, const uint8_t **p, size_t *n);

static inline uint64_t mp_load(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return be64toh(x);
}

/* The integer at p, where MP_INT_SIZE bytes can be read. Returns what is behind it; NULL: none, or over int64. */
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

/* The same of one that is not negative. */
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

/* Packers: p has room (MP_INT_SIZE, or 5 for a head); what is behind is returned. The shortest form always. */
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
