/*
 * mp.c - the msgpack that rows need: measure an object, and consume one
 */
#include "mp.h"

static uint32_t be(const uint8_t *p, unsigned size)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

/* A head whose count or length is a number of `width` bytes after the first byte. */
static int wide_head(const uint8_t *p, size_t n, struct mp_head *h, enum mp_type type, unsigned width)
{
	*h = (struct mp_head){ .type = type, .size = (uint8_t)(1 + width) };
	if (n < h->size)
		return 0;
	h->n = be(p + 1, width);
	return 1;
}

static int plain_head(struct mp_head *h, enum mp_type type, uint8_t size, uint32_t n)
{
	*h = (struct mp_head){ .type = type, .size = size, .n = n };
	return 1;
}

int mp_head(const uint8_t *p, size_t n, struct mp_head *h)
{
	if (n == 0) {
		h->size = 1;
		return 0;
	}
	uint8_t b = p[0];
	int r = 1;

	if (b < 0x80 || b >= 0xe0)
		return plain_head(h, MP_INT, 1, 0);
	if (b < 0x90)
		return plain_head(h, MP_MAP, 1, b & 15);
	if (b < 0xa0)
		return plain_head(h, MP_ARRAY, 1, b & 15);
	if (b < 0xc0)
		return plain_head(h, MP_STR, 1, b & 31);
	switch (b) {
	case 0xc0:
		return plain_head(h, MP_NIL, 1, 0);
	case 0xc2: case 0xc3:
		return plain_head(h, MP_BOOL, 1, 0);
	case 0xc4: case 0xc5: case 0xc6:
		return wide_head(p, n, h, MP_BIN, 1u << (b - 0xc4));
	case 0xc7: case 0xc8: case 0xc9:
		r = wide_head(p, n, h, MP_EXT, 1u << (b - 0xc7));
		h->size++;	/* the type byte */
		return r;
	case 0xca: case 0xcb:
		return plain_head(h, MP_FLOAT, b == 0xca ? 5 : 9, 0);
	case 0xcc: case 0xcd: case 0xce: case 0xcf:
	case 0xd0: case 0xd1: case 0xd2: case 0xd3:
		return plain_head(h, MP_INT, (uint8_t)(1 + (1u << (b & 3))), 0);
	case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
		return plain_head(h, MP_EXT, 2, 1u << (b - 0xd4));
	case 0xd9: case 0xda: case 0xdb:
		return wide_head(p, n, h, MP_STR, 1u << (b - 0xd9));
	case 0xdc: case 0xdd:
		return wide_head(p, n, h, MP_ARRAY, 2u << (b - 0xdc));
	case 0xde: case 0xdf:
		return wide_head(p, n, h, MP_MAP, 2u << (b - 0xde));
	default:		/* 0xc1 is never used */
		return -1;
	}
}

int mp_measure(const uint8_t *p, size_t n, size_t *size)
{
	uint64_t left[MP_MAX_DEPTH + 1] = { 1 };	/* items to come, in each open array or map */
	uint64_t at = 0, pending = 1;		/* pending: items to come in all of them, each at least one byte */
	unsigned depth = 0;

	for (;;) {
		while (left[depth] == 0) {
			if (depth-- == 0) {
				*size = at;
				return 1;
			}
		}
		struct mp_head h = { .size = 0 };
		int r = mp_head(p + at, at < n ? n - at : 0, &h);
		if (r <= 0) {
			*size = at + h.size + pending - 1;
			return r;
		}
		bool nested = h.type == MP_ARRAY || h.type == MP_MAP;
		uint64_t items = !nested ? 0 : h.type == MP_MAP ? 2 * (uint64_t)h.n : h.n;
		left[depth]--;
		pending += items - 1;
		at += h.size + (nested ? 0 : h.n);
		if (at + pending > MP_MAX_OBJECT)
			return -1;
		if (at + pending > n) {
			*size = at + pending;
			return 0;
		}
		if (items != 0) {
			if (depth == MP_MAX_DEPTH)
				return -1;
			left[++depth] = items;
		}
	}
}

bool mp_take_int(struct mp_view *v, int64_t *value)
{
	uint8_t copy[MP_INT_SIZE] = { 0 };
	size_t n = (size_t)(v->end - v->p);

	memcpy(copy, v->p, n < sizeof copy ? n : sizeof copy);
	const uint8_t *end = n == 0 ? NULL : mp_get_int(copy, value);
	if (end == NULL || (size_t)(end - copy) > n)
		return false;
	v->p += end - copy;
	return true;
}

bool mp_take_uint(struct mp_view *v, uint64_t *value)
{
	uint8_t copy[MP_INT_SIZE] = { 0 };
	size_t n = (size_t)(v->end - v->p);

	memcpy(copy, v->p, n < sizeof copy ? n : sizeof copy);
	const uint8_t *end = n == 0 ? NULL : mp_get_uint(copy, value);
	if (end == NULL || (size_t)(end - copy) > n)
		return false;
	v->p += end - copy;
	return true;
}

bool mp_take_head(struct mp_view *v, enum mp_type type, uint32_t *n)
{
	struct mp_head h;

	if (mp_head(v->p, (size_t)(v->end - v->p), &h) <= 0 || h.type != type)
		return false;
	v->p += h.size;
	*n = h.n;
	return true;
}

bool mp_take_text(struct mp_view *v, const char **p, size_t *n)
{
	struct mp_view rest = *v;
	uint32_t size;

	if (!mp_take_head(&rest, MP_STR, &size) || size > (size_t)(rest.end - rest.p))
		return false;
	*p = (const char *)rest.p;
	*n = size;
	v->p = rest.p + size;
	return true;
}

bool mp_take_object(struct mp_view *v, const uint8_t **p, size_t *n)
{
	if (mp_measure(v->p, (size_t)(v->end - v->p), n) <= 0)
		return false;
	*p = v->p;
	v->p += *n;
	return true;
}

struct mp_pairs mp_pairs_begin(const char *map, size_t size)
{
	struct mp_pairs p = { .rest = { (const uint8_t *)map, (const uint8_t *)map + size } };

	p.damaged = size == 0 || !mp_take_head(&p.rest, MP_MAP, &p.n);
	return p;
}

bool mp_pairs_next(struct mp_pairs *p)
{
	size_t size;

	if (p->damaged || p->n == 0)
		return false;
	p->n--;
	p->damaged = !mp_take_text(&p->rest, &p->key, &p->key_size) || !mp_take_object(&p->rest, &p->value.p, &size);
	if (!p->damaged)
		p->value.end = p->value.p + size;
	return !p->damaged;
}

bool mp_key_is(const struct mp_pairs *p, const char *key)
{
	return p->key_size == strlen(key) && memcmp(p->key, key, p->key_size) == 0;
}
