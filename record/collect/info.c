/*
 * info.c - builds the msgpack maps of process and exit rows
 */
#include "info.h"

#include <stdio.h>
#include <string.h>

#include "xmalloc.h"

void info_init(struct info *i)
{
	msgpack_sbuffer_init(&i->entries);
	msgpack_sbuffer_init(&i->map);
	msgpack_packer_init(&i->pk, &i->entries, xpack);
	i->n = 0;
}

void info_clear(struct info *i)
{
	msgpack_sbuffer_destroy(&i->entries);
	msgpack_sbuffer_destroy(&i->map);
}

static void key_is(struct info *i, const char *key)
{
	msgpack_pack_str_with_body(&i->pk, key, strlen(key));
	i->n++;
}

void info_int(struct info *i, const char *key, int64_t value)
{
	key_is(i, key);
	msgpack_pack_int64(&i->pk, value);
}

/* Returns the length of the UTF-8 character at p; 0: not valid (RFC 3629: no surrogates, no overlong forms). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	for (size_t k = 1; k < len; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static void pack_text(msgpack_packer *pk, const char *p, size_t n)
{
	char text[4 * 8192];
	size_t k = 0;
	for (size_t i = 0; i < n && k + 8 < sizeof text;) {
		size_t len = utf8_length((const unsigned char *)p + i, n - i);
		if (len)
			memcpy(text + k, p + i, len);
		k += len ? len : (size_t)sprintf(text + k, "\\x%02x", (unsigned char)p[i]);
		i += len ? len : 1;
	}
	msgpack_pack_str_with_body(pk, text, k);
}

void info_text(struct info *i, const char *key, const char *p, size_t n)
{
	key_is(i, key);
	pack_text(&i->pk, p, n);
}

void info_argv(struct info *i, const char *key, const char *p, size_t n)
{
	size_t count = 0;
	for (size_t k = 0; k < n; k++)
		count += p[k] == '\0' || k == n - 1;
	key_is(i, key);
	msgpack_pack_array(&i->pk, count);
	for (const char *end = p + n; p < end;) {
		size_t len = strnlen(p, (size_t)(end - p));
		pack_text(&i->pk, p, len);
		p += len + 1;
	}
}

struct mt_str info_done(struct info *i)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, &i->map, xpack);
	msgpack_pack_map(&pk, i->n);
	xpack(&i->map, i->entries.data, i->entries.size);
	return (struct mt_str){ i->map.data, i->map.size };
}
