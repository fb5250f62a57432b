/*
 * pytext.c - converts a Python str to UTF-8, without calling Python
 *
 * Source: PEP 393. A str is an array of code points of 1, 2 or 4 bytes, directly after its
 *         header ("compact") or at an address in it (instances of subclasses).
 */
#include "pytext.h"

#include <string.h>

#define CHARACTER_MAX 6		/* "\udcff" */

static size_t put_utf8(char *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 63));
		p[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 63));
	p[2] = (char)(0x80 | (c >> 6 & 63));
	p[3] = (char)(0x80 | (c & 63));
	return 4;
}

static size_t put_surrogate(char *p, uint32_t c)
{
	static const char digit[] = "0123456789abcdef";
	p[0] = '\\';
	p[1] = 'u';
	for (int i = 0; i < 4; i++)
		p[2 + i] = digit[c >> (12 - 4 * i) & 15];
	return 6;
}

static uint32_t character(const void *data, unsigned kind, size_t i)
{
	return kind == 1   ? ((const uint8_t *)data)[i]
	       : kind == 2 ? ((const uint16_t *)data)[i]
			   : ((const uint32_t *)data)[i];
}

size_t text_utf8(const struct py_layout *o, uintptr_t str, char *out, size_t capacity)
{
	uint32_t state = str ? (uint32_t)LOAD_INT(str, o->str_state) >> o->str_kind_shift : 0;
	unsigned kind = state & 7;
	bool compact = state & 8, ascii = state & 16;
	if (kind != 1 && kind != 2 && kind != 4) {	/* 0: not ready, up to 3.11 */
		out[0] = '?';
		return 1;
	}
	size_t length = LOAD(str, o->str_length), n = 0;
	const void *data = (const void *)(str + (uintptr_t)(ascii ? o->str_ascii : o->str_compact));
	if (!compact)
		data = (const void *)LOAD(str, o->str_compact);
	if (ascii) {
		n = length < capacity ? length : capacity;
		memcpy(out, data, n);
		return n;
	}
	for (size_t i = 0; i < length && n + CHARACTER_MAX <= capacity; i++) {
		uint32_t c = character(data, kind, i);
		n += c >= 0xd800 && c <= 0xdfff ? put_surrogate(out + n, c) : put_utf8(out + n, c);
	}
	return n;
}
