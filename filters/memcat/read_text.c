/*
 * read_text.c - read lines of JSON as a trace
 *
 * Fields that a line omits: pid, tid and time_ms are those of the previous line;
 * stack, parent, line are 0, weight is 1, texts are empty, lang is python.
 */
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mp.h"
#include "rows.h"
#include "xmalloc.h"

/* The line being read; the first three are for messages. */
struct reading {
	const char *name;
	size_t number;
	const char *event;
	json_t *object;
	struct mt_out *out;
	bool begun;			/* a header was put */
	uint32_t pid, tid;
	uint64_t time_ms;
	msgpack_sbuffer packed;		/* of the event's info */
};

static void bad(const struct reading *r, const char *fmt, ...) PRINTF_LIKE(2, 3) __attribute__((noreturn));
static void bad(const struct reading *r, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	die("%s:%zu: %s", r->name, r->number, what);
}

/* ---------------------------------------------------------------- fields */

static bool whole_number(const json_t *o, uint64_t *v)
{
	const char *digits = json_string_value(json_object_get(o, "$uint"));
	char *end;

	if (json_is_integer(o)) {
		*v = (uint64_t)json_integer_value(o);
		return json_integer_value(o) >= 0;
	}
	if (digits == NULL || *digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*v = strtoull(digits, &end, 10);
	return *end == '\0' && errno == 0;
}

static uint64_t number_or(const struct reading *r, const char *key, uint64_t max, uint64_t otherwise)
{
	const json_t *o = json_object_get(r->object, key);
	uint64_t v;

	if (o == NULL)
		return otherwise;
	if (!whole_number(o, &v) || v > max)
		bad(r, "\"%s\" is not a whole number from 0 to %" PRIu64, key, max);
	return v;
}

static uint64_t number(const struct reading *r, const char *key, uint64_t max)
{
	if (json_object_get(r->object, key) == NULL)
		bad(r, "%s without \"%s\"", r->event, key);
	return number_or(r, key, max, 0);
}

static struct mt_str text_or_empty(const struct reading *r, const char *key)
{
	const json_t *o = json_object_get(r->object, key);

	if (o == NULL)
		return (struct mt_str){ "", 0 };
	if (!json_is_string(o))
		bad(r, "\"%s\" is not text", key);
	return (struct mt_str){ json_string_value(o), json_string_length(o) };
}

static uint8_t allocator(const struct reading *r)
{
	const json_t *o = json_object_get(r->object, "allocator");
	unsigned a;

	if (!json_is_string(o))
		a = (unsigned)number_or(r, "allocator", 31, MT_MALLOC);
	else
		a = mt_allocator_of(json_string_value(o), json_string_length(o));
	if (a == 0)
		bad(r, "\"allocator\" is neither a known name nor a number from 1 to 31");
	return (uint8_t)a;
}

static uint8_t lang(const struct reading *r)
{
	const char *name = json_string_value(json_object_get(r->object, "lang"));

	if (name == NULL)
		return (uint8_t)number_or(r, "lang", UINT8_MAX, MT_LANG_PYTHON);
	if (strcmp(name, "python") != 0 && strcmp(name, "native") != 0)
		bad(r, "\"lang\" is neither \"python\" nor \"native\"");
	return strcmp(name, "python") == 0 ? MT_LANG_PYTHON : MT_LANG_NATIVE;
}

/* ---------------------------------------------------------------- JSON as msgpack */

static void pack(const struct reading *r, msgpack_packer *pk, const json_t *o);

static unsigned nibble(const struct reading *r, char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;

	if (at == NULL)
		bad(r, "bytes must be written in lower-case hexadecimal digits");
	return (unsigned)(at - digits);
}

/* Returns the bytes of a hexadecimal text; the caller frees them. */
static uint8_t *unhex(const struct reading *r, const json_t *text, size_t *n)
{
	const char *p = json_string_value(text);

	if (p == NULL || json_string_length(text) % 2 != 0)
		bad(r, "bytes must be written in pairs of hexadecimal digits");
	*n = json_string_length(text) / 2;
	uint8_t *bytes = xmalloc(*n + 1);
	for (size_t i = 0; i < *n; i++)
		bytes[i] = (uint8_t)(nibble(r, p[2 * i]) << 4 | nibble(r, p[2 * i + 1]));
	return bytes;
}

static void pack_bytes(const struct reading *r, msgpack_packer *pk, const json_t *text)
{
	size_t n;
	uint8_t *bytes = unhex(r, text, &n);

	msgpack_pack_bin_with_body(pk, bytes, n);
	free(bytes);
}

static void pack_ext(const struct reading *r, msgpack_packer *pk, const json_t *pair)
{
	size_t n;
	uint8_t *bytes = unhex(r, json_array_get(pair, 1), &n);

	msgpack_pack_ext_with_body(pk, bytes, n, (int8_t)json_integer_value(json_array_get(pair, 0)));
	free(bytes);
}

static void pack_float(const struct reading *r, msgpack_packer *pk, const json_t *text, bool single)
{
	const char *p = json_string_value(text);

	if (p == NULL)
		bad(r, "a \"$float\" must be text");
	if (single)
		msgpack_pack_float(pk, strtof(p, NULL));
	else
		msgpack_pack_double(pk, strtod(p, NULL));
}

/* Packs a type that JSON lacks, from an object of one key. Returns false if it is an ordinary object. */
static bool pack_special(const struct reading *r, msgpack_packer *pk, json_t *o)
{
	void *first = json_object_iter(o);
	const char *key = first != NULL ? json_object_iter_key(first) : "";
	json_t *value = json_object_iter_value(first);
	uint64_t v;

	if (json_object_size(o) != 1 || key[0] != '$')
		return false;
	if (strcmp(key, "$bin") == 0)
		pack_bytes(r, pk, value);
	else if (strcmp(key, "$ext") == 0)
		pack_ext(r, pk, value);
	else if (strcmp(key, "$float32") == 0 || strcmp(key, "$float64") == 0)
		pack_float(r, pk, value, key[6] == '3');
	else if (strcmp(key, "$uint") == 0 && whole_number(o, &v))
		msgpack_pack_uint64(pk, v);
	else
		return false;
	return true;
}

/* Packs an object; with `kinds`, keys of digits become integers. */
static void pack_map(const struct reading *r, msgpack_packer *pk, json_t *o, bool kinds)
{
	const char *key;
	json_t *value;

	msgpack_pack_map(pk, json_object_size(o));
	json_object_foreach(o, key, value) {
		if (kinds && *key != '\0' && strlen(key) < 10 && strspn(key, "0123456789") == strlen(key))
			msgpack_pack_uint64(pk, strtoull(key, NULL, 10));
		else
			msgpack_pack_str_with_body(pk, key, strlen(key));
		pack(r, pk, value);
	}
}

static void pack_array(const struct reading *r, msgpack_packer *pk, const json_t *o)
{
	size_t i;
	json_t *value;

	msgpack_pack_array(pk, json_array_size(o));
	json_array_foreach(o, i, value)
		pack(r, pk, value);
}

static void pack(const struct reading *r, msgpack_packer *pk, const json_t *o)
{
	switch (json_typeof(o)) {
	case JSON_OBJECT:
		if (!pack_special(r, pk, (json_t *)o))
			pack_map(r, pk, (json_t *)o, false);
		break;
	case JSON_ARRAY:
		pack_array(r, pk, o);
		break;
	case JSON_STRING:
		msgpack_pack_str_with_body(pk, json_string_value(o), json_string_length(o));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(pk, json_integer_value(o));
		break;
	case JSON_REAL:
		msgpack_pack_double(pk, json_real_value(o));
		break;
	case JSON_NULL:
		msgpack_pack_nil(pk);
		break;
	default:
		(json_is_true(o) ? msgpack_pack_true : msgpack_pack_false)(pk);
		break;
	}
}

static struct mt_str packed(const struct reading *r)
{
	size_t size;

	if (r->packed.size == 0)
		xmalloc(SIZE_MAX);	/* out of memory: exits with the usual message */
	if (mp_measure((const uint8_t *)r->packed.data, r->packed.size, &size) <= 0)
		bad(r, "too large, or nested too deeply, for a trace");
	return (struct mt_str){ r->packed.data, r->packed.size };
}

static struct mt_str object(struct reading *r, const char *key, bool array)
{
	msgpack_packer pk;
	json_t *o = json_object_get(r->object, key);

	if (o == NULL && !array)
		return (struct mt_str){ "\x80", 1 };
	if (array ? !json_is_array(o) : !json_is_object(o))
		bad(r, "\"%s\" is not an %s", key, array ? "array" : "object");
	msgpack_packer_init(&pk, &r->packed, xpack);
	pack(r, &pk, o);
	return packed(r);
}

/* ---------------------------------------------------------------- header */

/* Returns the words of the header's command, NULL-terminated. The caller frees the array; the words belong to r. */
static const char **command(const struct reading *r)
{
	const json_t *o = json_object_get(r->object, "command");
	const char **words = xcalloc(json_array_size(o) + 1, sizeof *words);

	for (size_t i = 0; i < json_array_size(o); i++) {
		words[i] = json_string_value(json_array_get(o, i));
		if (words[i] == NULL)
			bad(r, "\"command\" has a word that is not text");
	}
	return words;
}

/* Makes a new header from a line that names no format. */
static struct mt_header *new_header(const struct reading *r)
{
	const json_t *o = json_object_get(r->object, "options");
	const char **words = command(r);
	struct mt_header_options options = {
		.command = words,
		.native = json_is_true(json_object_get(o, "native")),
		.python_allocators = json_is_true(json_object_get(o, "python_allocators")),
		.follow_fork = json_is_true(json_object_get(o, "follow_fork")),
		.sample_bytes = json_integer_value(json_object_get(o, "sample")) > 0 ?
				(uint64_t)json_integer_value(json_object_get(o, "sample")) : 0,
		.start_ns = number_or(r, "start_ns", UINT64_MAX, 0),
	};
	struct mt_header *h = mt_header_new(&options);

	free(words);
	if (h == NULL)
		die("out of memory");
	return h;
}

static struct mt_header *given_header(struct reading *r)
{
	const char *key, *why;
	json_t *value;
	msgpack_packer pk;

	json_object_del(r->object, "event");
	msgpack_packer_init(&pk, &r->packed, xpack);
	msgpack_pack_map(&pk, json_object_size(r->object));
	json_object_foreach(r->object, key, value) {
		msgpack_pack_str_with_body(&pk, key, strlen(key));
		if (strcmp(key, "kinds") == 0 && json_is_object(value))
			pack_map(r, &pk, value, true);
		else
			pack(r, &pk, value);
	}
	struct mt_str map = packed(r);
	struct mt_header *h = mt_header_parse((const uint8_t *)map.p, map.n, &why);
	if (h == NULL)
		bad(r, "%s", why);
	return h;
}

static void put_header(struct reading *r, bool given)
{
	struct mt_header *h = given ? given_header(r) : new_header(r);

	/* A failure sticks in the writer: read_text() checks it, tool_finish() reports it. */
	(void)mt_put_header(r->out, h);
	mt_header_free(h);
	r->begun = true;
	r->pid = r->tid = 0;
	r->time_ms = 0;
}

/* ---------------------------------------------------------------- events */

static void read_alloc(struct reading *r, struct mt_event *ev)
{
	ev->allocator = allocator(r);
	ev->id = (uint32_t)number(r, "id", UINT32_MAX);
	ev->size = number(r, "size", UINT64_MAX);
	ev->stack = (uint32_t)number_or(r, "stack", UINT32_MAX, 0);
	ev->weight = number_or(r, "weight", UINT64_MAX, 1);
	if (ev->weight == 0)
		bad(r, "\"weight\" is 0");
}

static void read_other(struct reading *r, struct mt_event *ev)
{
	ev->info = object(r, "row", true);
}

static uint64_t flag(const struct reading *r, const char *key)
{
	const json_t *o = json_object_get(r->object, key);

	if (!json_is_boolean(o))
		bad(r, "%s without \"%s\", true or false", r->event, key);
	return json_is_true(o);
}

static void read_field(struct reading *r, const struct row_field *f, struct mt_event *ev)
{
	switch (f->type) {
	case FIELD_TEXT:
		*row_text(f, ev) = text_or_empty(r, f->name);
		break;
	case FIELD_OBJECT:
		*row_text(f, ev) = object(r, f->name, false);
		break;
	case FIELD_LANG:
		ev->lang = lang(r);
		break;
	case FIELD_FLAG:
		row_set_number(f, ev, flag(r, f->name));
		break;
	case FIELD_U32_OR_0:
		row_set_number(f, ev, number_or(r, f->name, f->largest, 0));
		break;
	case FIELD_COUNTED:	/* counted by the writer */
		break;
	default:
		row_set_number(f, ev, number(r, f->name, f->largest));
	}
}

static bool is_context(const struct row_field *f)
{
	return f->member == offsetof(struct mt_event, pid) || f->member == offsetof(struct mt_event, tid) ||
	       f->member == offsetof(struct mt_event, time_ms);
}

static void read_context(struct reading *r, struct mt_event *ev)
{
	ev->pid = r->pid = (uint32_t)number_or(r, "pid", UINT32_MAX, r->pid);
	ev->tid = r->tid = (uint32_t)number_or(r, "tid", UINT32_MAX, r->tid);
	ev->time_ms = r->time_ms = number_or(r, "time_ms", INT64_MAX, r->time_ms);
}

/* Reads the fields of the table, except those of the context, which have been read. */
static void read_fields(struct reading *r, const struct row_kind *k, struct mt_event *ev)
{
	for (const struct row_field *f = k->fields; f < k->fields + k->n_fields; f++)
		if (f->type == FIELD_COUNTED || !is_context(f))
			read_field(r, f, ev);
}

static bool kind_of(const char *name, enum mt_kind *kind)
{
	for (*kind = MT_ALLOC; *kind <= MT_OTHER; ++*kind)
		if (*kind != MT_HEADER && strcmp(mt_kind_name(*kind), name) == 0)
			return true;
	return false;
}

static void put_event(struct reading *r)
{
	struct mt_event ev = { 0 };

	if (!kind_of(r->event, &ev.kind))
		bad(r, "\"%s\" is not an event", r->event);
	if (!r->begun)
		put_header(r, false);
	if (mt_kind_has_pid(ev.kind) || ev.kind == MT_END)
		read_context(r, &ev);
	if (ev.kind == MT_ALLOC)
		read_alloc(r, &ev);
	else if (ev.kind == MT_OTHER)
		read_other(r, &ev);
	else
		read_fields(r, row_of_event(ev.kind), &ev);
	(void)mt_put(r->out, &ev);	/* as in put_header() */
}

static void read_line(struct reading *r, const char *line, size_t n)
{
	json_error_t error;

	r->object = json_loadb(line, n, JSON_ALLOW_NUL, &error);
	if (r->object == NULL)
		bad(r, "not JSON: %s", error.text);
	r->event = json_string_value(json_object_get(r->object, "event"));
	if (r->event == NULL)
		bad(r, "not an object with an \"event\"");
	msgpack_sbuffer_clear(&r->packed);
	if (strcmp(r->event, "header") == 0)
		put_header(r, json_object_get(r->object, "format") != NULL);
	else
		put_event(r);
	json_decref(r->object);
}

void read_text(FILE *in, const char *name, struct mt_out *out)
{
	struct reading r = { .name = name, .out = out };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	json_set_alloc_funcs(xmalloc, free);	/* jansson crashes if it runs out of memory */
	msgpack_sbuffer_init(&r.packed);
	while (mt_out_error(out) == NULL && (n = getline(&line, &size, in)) >= 0) {
		r.number++;
		if (line[strspn(line, " \t\r\n")] != '\0')
			read_line(&r, line, (size_t)n);
	}
	/* If getline(3) runs out of memory, neither end nor error is set. */
	if (ferror(in) || (mt_out_error(out) == NULL && !feof(in)))
		die("%s: cannot read: %s", name, ferror(in) ? strerror(errno) : "out of memory");
	if (r.number == 0)
		die("%s: empty: no trace", name);
	msgpack_sbuffer_destroy(&r.packed);
	free(line);
}
