/*
 * utf8.c - is it UTF-8?
 *
 * Source: RFC 3629, section 4 (no surrogates, nothing over U+10FFFF, no longer form than needed).
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
