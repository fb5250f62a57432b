/*
 * utf8.c - validate UTF-8, and find characters that must not reach a terminal
 *
 * Source: RFC 3629, section 4 (no surrogates, nothing over U+10FFFF, no overlong forms);
 * Unicode Standard Annex 9, table 3 (characters that change the direction of text).
 */
#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>

static bool tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_size(const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;

	if (n >= 1 && p[0] < 0x80)
		return 1;
	if (n >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf && tail(p[1]))
		return 2;
	if (n >= 3 && (p[0] & 0xf0) == 0xe0 && tail(p[1]) && tail(p[2]) &&
	    !(p[0] == 0xe0 && p[1] < 0xa0) && !(p[0] == 0xed && p[1] > 0x9f))
		return 3;
	if (n >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && tail(p[1]) && tail(p[2]) && tail(p[3]) &&
	    !(p[0] == 0xf0 && p[1] < 0x90) && !(p[0] == 0xf4 && p[1] > 0x8f))
		return 4;
	return 0;
}

uint32_t utf8_character(const char *p, size_t size)
{
	uint32_t c = (uint8_t)p[0];

	if (size > 1)
		c &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++)
		c = c << 6 | ((uint8_t)p[i] & 0x3f);
	return c;
}

static bool is_obeyed(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t utf8_shown(const char *p, size_t n)
{
	size_t size = utf8_size(p, n);

	return size && is_obeyed(utf8_character(p, size)) ? 0 : size;
}
