/*
 * json.c - JSON output that is always valid
 *
 * Source: RFC 8259. JSON must be UTF-8: U+FFFD replaces invalid bytes.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "mp.h"
#include "utf8.h"

static bool plain(char c)
{
	return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f && c != '"' && c != '\\';
}

static void escape(FILE *out, uint32_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c != '\0' && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (at != NULL)
		fprintf(out, "\\%c", to[at - from]);
	else
		fprintf(out, "\\u%04x", (unsigned)c);
}

/* Prints a character of several bytes. All those that a terminal would obey are below U+10000. */
static void json_character(FILE *out, const char *p, size_t size)
{
	if (utf8_shown(p, size))
		fwrite(p, 1, size, out);
	else
		escape(out, utf8_character(p, size));
}

void json_text(FILE *out, const char *p, size_t n)
{
	putc('"', out);
	for (size_t i = 0; i < n; ) {
		size_t run = 0;
		while (i + run < n && plain(p[i + run]))
			run++;
		if (run > 0) {
			fwrite(p + i, 1, run, out);
			i += run;
			continue;
		}
		size_t size = utf8_size(p + i, n - i);
		if (size == 0)
			fputs("\xef\xbf\xbd", out);
		else if (size == 1)
			escape(out, (unsigned char)p[i]);
		else
			json_character(out, p + i, size);
		i += size > 0 ? size : 1;
	}
	putc('"', out);
}

static void hex(FILE *out, const uint8_t *p, size_t n)
{
	putc('"', out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%02x", p[i]);
	putc('"', out);
}

static void integer(FILE *out, struct mp_view *v)
{
	int64_t i;
	uint64_t u = 0;

	if (mp_take_int(v, &i))
		fprintf(out, "%" PRId64, i);
	else if (mp_take_uint(v, &u))
		fprintf(out, "{\"$uint\":\"%" PRIu64 "\"}", u);
}

static void number(FILE *out, double d, bool single)
{
	char text[40];

	snprintf(text, sizeof text, single ? "%.9g" : "%.17g", d);
	if (single || !isfinite(d))
		fprintf(out, "{\"$float%d\":\"%s\"}", single ? 32 : 64, text);
	else
		fprintf(out, "%s%s", text, strpbrk(text, ".e") != NULL ? "" : ".0");
}

static void floating(FILE *out, const uint8_t *p, bool single)
{
	uint32_t x;
	uint64_t y;
	float f;
	double d;

	if (single) {
		memcpy(&x, p, sizeof x);
		x = be32toh(x);
		memcpy(&f, &x, sizeof f);
		number(out, (double)f, true);
	} else {
		y = mp_load(p);
		memcpy(&d, &y, sizeof d);
		number(out, d, false);
	}
}

static void value(FILE *out, struct mp_view *v);

/* Prints a map's key: text, or an integer's digits; anything else cannot be a key in JSON and becomes "". */
static void key(FILE *out, struct mp_view *v)
{
	const uint8_t *p;
	const char *text;
	size_t n;
	int64_t i;

	if (mp_take_text(v, &text, &n)) {
		json_text(out, text, n);
	} else if (mp_take_int(v, &i)) {
		fprintf(out, "\"%" PRId64 "\"", i);
	} else {
		mp_take_object(v, &p, &n);
		fputs("\"\"", out);
	}
	putc(':', out);
}

static void items(FILE *out, struct mp_view *v, const struct mp_head *h)
{
	bool map = h->type == MP_MAP;

	putc(map ? '{' : '[', out);
	for (uint32_t i = 0; i < h->n; i++) {
		if (i > 0)
			putc(',', out);
		if (map)
			key(out, v);
		value(out, v);
	}
	putc(map ? '}' : ']', out);
}

/* Prints text, bytes or an extension; its head is at `head`. */
static void bytes(FILE *out, const uint8_t *head, const struct mp_head *h)
{
	const uint8_t *p = head + h->size;

	if (h->type == MP_STR) {
		json_text(out, (const char *)p, h->n);
	} else if (h->type == MP_BIN) {
		fputs("{\"$bin\":", out);
		hex(out, p, h->n);
		putc('}', out);
	} else {
		fprintf(out, "{\"$ext\":[%d,", (int8_t)p[-1]);
		hex(out, p, h->n);
		fputs("]}", out);
	}
}

static void value(FILE *out, struct mp_view *v)
{
	struct mp_head h;
	const uint8_t *p = v->p;

	if (mp_head(p, (size_t)(v->end - p), &h) <= 0)
		return;
	if (h.type == MP_INT) {
		integer(out, v);
		return;
	}
	v->p += h.size;
	switch (h.type) {
	case MP_ARRAY: case MP_MAP:
		items(out, v, &h);
		break;
	case MP_STR: case MP_BIN: case MP_EXT:
		bytes(out, p, &h);
		v->p += h.n;
		break;
	case MP_FLOAT:
		floating(out, p + 1, h.size == 5);
		break;
	case MP_BOOL:
		fputs(*p == 0xc3 ? "true" : "false", out);
		break;
	default:
		fputs("null", out);
		break;
	}
}

void json_msgpack(FILE *out, const void *p, size_t n)
{
	struct mp_view v = { p, (const uint8_t *)p + n };
	size_t size;

	if (mp_measure(p, n, &size) > 0)
		value(out, &v);
	else
		fputs("null", out);
}

void json_shown(FILE *out, const char *json, size_t n)
{
	for (size_t i = 0, size; i < n; i += size) {
		size = utf8_size(json + i, n - i);
		if (size > 1 || json[i] == 0x7f)
			json_character(out, json + i, size);
		else
			putc(json[i], out);
		size = size ? size : 1;
	}
}
