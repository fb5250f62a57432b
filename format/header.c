/*
 * header.c - the map that a trace begins with, and the info maps of its rows
 *
 * The raw map is kept: keys unknown to this program survive when a stage is
 * appended.
 */
#include "header.h"

#include <errno.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mp.h"
#include "rows.h"
#include "utf8.h"

/* ---------------------------------------------------------------- text */

/* A growing string; p becomes NULL if out of memory. */
struct text {
	char *p;
	size_t n, size;
};

static void text_add(struct text *t, const char *p, size_t n)
{
	if (t->p == NULL)
		return;
	if (t->n + n + 1 > t->size) {
		size_t size = (t->n + n + 1) * 2;
		char *larger = realloc(t->p, size);
		if (larger == NULL)
			free(t->p);
		t->p = larger;
		t->size = size;
		if (larger == NULL)
			return;
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static struct text text_new(void)
{
	return (struct text){ .p = calloc(1, 64), .size = 64 };
}

static bool plain_in_shell(const char *p, size_t n)
{
	static const char plain[] = "_@%+=:,./-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' || strchr(plain, p[i]) == NULL)
			return false;
	return n > 0;
}

/* Appends one word of a command line, quoted for a shell. */
static void text_add_word(struct text *t, const char *p, size_t n)
{
	if (t->n > 0)
		text_add(t, " ", 1);
	if (plain_in_shell(p, n)) {
		text_add(t, p, n);
		return;
	}
	text_add(t, "'", 1);
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\'')
			text_add(t, "'\\''", 4);
		else if (p[i] != '\0')
			text_add(t, p + i, 1);
	text_add(t, "'", 1);
}

/* ---------------------------------------------------------------- reading */

static const msgpack_object *find(const msgpack_object *map, const char *key)
{
	if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object *k = &map->via.map.ptr[i].key;
		if (k->type == MSGPACK_OBJECT_STR && k->via.str.size == strlen(key) &&
		    memcmp(k->via.str.ptr, key, k->via.str.size) == 0)
			return &map->via.map.ptr[i].val;
	}
	return NULL;
}

static uint64_t number_at(const msgpack_object *map, const char *key)
{
	const msgpack_object *o = find(map, key);

	return o != NULL && o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? o->via.u64 : 0;
}

static bool flag_at(const msgpack_object *map, const char *key)
{
	const msgpack_object *o = find(map, key);

	return o != NULL && o->type == MSGPACK_OBJECT_BOOLEAN && o->via.boolean;
}

/* Returns the text of a key, "" if there is none, NULL if out of memory; the caller frees it. */
static char *text_at(const msgpack_object *map, const char *key)
{
	const msgpack_object *o = find(map, key);

	if (o == NULL || o->type != MSGPACK_OBJECT_STR)
		return strdup("");
	return strndup(o->via.str.ptr, o->via.str.size);
}

/* Reads the optional keys that describe a stage's numbers. Returns false if out of memory. */
static bool read_meaning(struct mt_stage *s, const msgpack_object *stage)
{
	const msgpack_object *title = find(stage, "title");

	s->answer = flag_at(stage, "answer");
	s->mappings = flag_at(stage, "mappings");
	if (title == NULL || title->type != MSGPACK_OBJECT_STR)
		return true;
	s->title = text_at(stage, "title");
	return s->title != NULL;
}

/* Returns an array of words as one shell-quoted line, NULL if out of memory; the caller frees it. */
static char *words_at(const msgpack_object *map, const char *key)
{
	const msgpack_object *o = find(map, key);
	struct text t = text_new();

	if (o != NULL && o->type == MSGPACK_OBJECT_ARRAY)
		for (uint32_t i = 0; i < o->via.array.size; i++) {
			const msgpack_object *w = &o->via.array.ptr[i];
			if (w->type == MSGPACK_OBJECT_STR)
				text_add_word(&t, w->via.str.ptr, w->via.str.size);
		}
	return t.p;
}

static bool read_stages(struct mt_header *h, const msgpack_object *stages)
{
	if (stages == NULL || stages->type != MSGPACK_OBJECT_ARRAY || stages->via.array.size == 0)
		return true;
	h->stages = calloc(stages->via.array.size, sizeof *h->stages);
	if (h->stages == NULL)
		return false;
	for (uint32_t i = 0; i < stages->via.array.size; i++) {
		const msgpack_object *o = &stages->via.array.ptr[i];
		struct mt_stage *s = &h->stages[h->n_stages++];
		s->program = text_at(o, "program");
		s->version = text_at(o, "version");
		s->args = words_at(o, "args");
		if (s->program == NULL || s->version == NULL || s->args == NULL || !read_meaning(s, o))
			return false;
	}
	return true;
}

/* Checks format and version. Returns false, with a message in `why`, if the trace cannot be read. */
static bool check(struct mt_header *h, const msgpack_object *map, char *why, size_t why_size)
{
	const msgpack_object *format = find(map, "format"), *version = find(map, "version");

	if (format == NULL || format->type != MSGPACK_OBJECT_STR || format->via.str.size != 8 ||
	    memcmp(format->via.str.ptr, "memtrace", 8) != 0) {
		snprintf(why, why_size, HEADER_NONE);
		return false;
	}
	if (version == NULL || version->type != MSGPACK_OBJECT_ARRAY || version->via.array.size < 2 ||
	    version->via.array.ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
	    version->via.array.ptr[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
		snprintf(why, why_size, "not a memory trace (memtrace): its header has no version");
		return false;
	}
	h->major = (unsigned)version->via.array.ptr[0].via.u64;
	h->minor = (unsigned)version->via.array.ptr[1].via.u64;
	if (h->major > MT_MAJOR)
		snprintf(why, why_size, "memtrace version %u.%u is newer than this program supports (%d.x): "
			 "use a newer memrec", h->major, h->minor, MT_MAJOR);
	else if (h->major < MT_MAJOR)
		snprintf(why, why_size, "memtrace version %u.%u is not supported (this program reads %d.x)",
			 h->major, h->minor, MT_MAJOR);
	return h->major == MT_MAJOR;
}

static bool fill(struct mt_header *h, const msgpack_object *map)
{
	const msgpack_object *options = find(map, "options");

	h->start_ns = number_at(map, "start_ns");
	h->begin_ms = number_at(map, "begin_ms");
	h->native = flag_at(options, "native");
	h->python_allocators = flag_at(options, "python_allocators");
	h->follow_fork = flag_at(options, "follow_fork");
	h->sample_bytes = number_at(options, "sample");
	h->host = text_at(map, "host");
	h->command = words_at(map, "command");
	return h->host != NULL && h->command != NULL && read_stages(h, find(map, "provenance"));
}

/* Unpacks one whole map, once mp_measure() has checked it. False: it is not one (errno is 0), or out of memory. */
static bool unpack(msgpack_unpacked *u, const uint8_t *raw, size_t size)
{
	size_t whole, at = 0;

	msgpack_unpacked_init(u);
	errno = 0;
	if (size > HEADER_MAX || mp_measure(raw, size, &whole) <= 0 || whole != size)
		return false;
	if (msgpack_unpack_next(u, (const char *)raw, size, &at) == MSGPACK_UNPACK_SUCCESS)
		return u->data.type == MSGPACK_OBJECT_MAP;
	errno = ENOMEM;		/* it is well formed, so nothing else can fail */
	return false;
}

struct mt_header *header_read(const uint8_t *raw, size_t size, char *why, size_t why_size)
{
	msgpack_unpacked u;
	struct mt_header *h = calloc(1, sizeof *h);
	bool good = false;

	snprintf(why, why_size, "cannot read: out of memory");
	if (!unpack(&u, raw, size)) {
		if (errno != ENOMEM)
			snprintf(why, why_size, HEADER_NONE);
		goto out;
	}
	if (h == NULL || !check(h, &u.data, why, why_size) || !fill(h, &u.data))
		goto out;
	h->raw = malloc(size);
	if (h->raw == NULL)
		goto out;
	memcpy(h->raw, raw, size);
	h->raw_size = size;
	good = true;
out:
	msgpack_unpacked_destroy(&u);
	if (!good) {
		mt_header_free(h);
		return NULL;
	}
	return h;
}

struct mt_header *mt_header_parse(const uint8_t *raw, size_t size, const char **why)
{
	static _Thread_local char line[160];
	struct mt_header *h = header_read(raw, size, line, sizeof line);

	if (h == NULL)
		*why = line;
	return h;
}

bool mt_header_counts_mappings(const struct mt_header *h)
{
	for (size_t i = 0; i < h->n_stages; i++)
		if (h->stages[i].mappings)
			return true;
	return false;
}

void mt_header_free(struct mt_header *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n_stages; i++) {
		free(h->stages[i].program);
		free(h->stages[i].version);
		free(h->stages[i].args);
		free(h->stages[i].title);
	}
	free(h->stages);
	free(h->host);
	free(h->command);
	free(h->raw);
	free(h);
}

/* ---------------------------------------------------------------- writing */

/* Packed bytes; incomplete if `failed` (out of memory). */
struct packed {
	msgpack_sbuffer bytes;
	bool failed;
};

static int add_packed(void *data, const char *p, size_t n)
{
	struct packed *packed = data;

	packed->failed = packed->failed || msgpack_sbuffer_write(&packed->bytes, p, n) < 0;
	return packed->failed ? -1 : 0;
}

static void pack_into(struct packed *packed, msgpack_packer *pk)
{
	msgpack_sbuffer_init(&packed->bytes);
	packed->failed = false;
	msgpack_packer_init(pk, packed, add_packed);
}

/* Packs text as valid UTF-8: invalid bytes become U+FFFD. */
static void pack_text(msgpack_packer *pk, const char *p, size_t n)
{
	struct text t = text_new();

	for (size_t i = 0; i < n; ) {
		size_t size = utf8_size(p + i, n - i);
		text_add(&t, size > 0 ? p + i : "\xef\xbf\xbd", size > 0 ? size : 3);
		i += size > 0 ? size : 1;
	}
	if (t.p == NULL)
		((struct packed *)pk->data)->failed = true;
	else
		msgpack_pack_str_with_body(pk, t.p, t.n);
	free(t.p);
}

static void pack_key(msgpack_packer *pk, const char *key)
{
	msgpack_pack_str_with_body(pk, key, strlen(key));
}

static void pack_words(msgpack_packer *pk, const char *const *words)
{
	size_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	msgpack_pack_array(pk, n);
	for (size_t i = 0; i < n; i++)
		pack_text(pk, words[i], strlen(words[i]));
}

static void pack_kind(msgpack_packer *pk, const struct row_kind *k)
{
	msgpack_pack_uint8(pk, k->row);
	msgpack_pack_array(pk, k->items);
	pack_key(pk, k->name);
	for (const struct row_field *f = k->fields; f < k->fields + k->n_fields; f++) {
		if (f->type == FIELD_NEW)
			continue;
		const char *name = f->running ? f->running : f->name;
		msgpack_pack_str(pk, strlen(name) + (f->running != NULL));
		msgpack_pack_str_body(pk, name, strlen(name));
		if (f->running != NULL)
			msgpack_pack_str_body(pk, "+", 1);
	}
}

static void pack_kinds(msgpack_packer *pk)
{
	size_t n = 0;

	for (unsigned i = 0; i < N_ROWS; i++)
		n += row_kinds[i].name != NULL;
	msgpack_pack_map(pk, n);
	for (unsigned i = 0; i < N_ROWS; i++)
		if (row_kinds[i].name != NULL)
			pack_kind(pk, &row_kinds[i]);
}

static void pack_flag(msgpack_packer *pk, const char *key, bool flag)
{
	pack_key(pk, key);
	(flag ? msgpack_pack_true : msgpack_pack_false)(pk);
}

/* Returns a header from the packed bytes, or NULL if out of memory; frees the buffer. */
static struct mt_header *from_packed(struct packed *packed)
{
	char why[160];
	struct mt_header *h = packed->failed ? NULL :
			      header_read((const uint8_t *)packed->bytes.data, packed->bytes.size, why, sizeof why);

	msgpack_sbuffer_destroy(&packed->bytes);
	return h;
}

struct mt_header *mt_header_new(const struct mt_header_options *opt)
{
	struct packed packed;
	msgpack_packer pk;
	char host[256] = "";

	gethostname(host, sizeof host - 1);
	pack_into(&packed, &pk);
	msgpack_pack_map(&pk, 8 + (opt->begin_ms > 0));
	pack_key(&pk, "format");
	pack_key(&pk, "memtrace");
	pack_key(&pk, "version");
	msgpack_pack_array(&pk, 2);
	msgpack_pack_uint8(&pk, MT_MAJOR);
	msgpack_pack_uint8(&pk, MT_MINOR);
	pack_key(&pk, "kinds");
	pack_kinds(&pk);
	pack_key(&pk, "start_ns");
	msgpack_pack_uint64(&pk, opt->start_ns);
	if (opt->begin_ms > 0) {
		pack_key(&pk, "begin_ms");
		msgpack_pack_uint64(&pk, opt->begin_ms);
	}
	pack_key(&pk, "host");
	pack_text(&pk, host, strlen(host));
	pack_key(&pk, "command");
	pack_words(&pk, opt->command);
	pack_key(&pk, "options");
	msgpack_pack_map(&pk, 3 + (opt->sample_bytes > 0));
	pack_flag(&pk, "native", opt->native);
	pack_flag(&pk, "python_allocators", opt->python_allocators);
	pack_flag(&pk, "follow_fork", opt->follow_fork);
	if (opt->sample_bytes > 0) {
		pack_key(&pk, "sample");
		msgpack_pack_uint64(&pk, opt->sample_bytes);
	}
	pack_key(&pk, "provenance");
	msgpack_pack_array(&pk, 0);
	return from_packed(&packed);
}

static void pack_stage(msgpack_packer *pk, const struct mt_stage_options *s)
{
	msgpack_pack_map(pk, 3 + (s->title != NULL) + s->answer + s->mappings);
	pack_key(pk, "program");
	pack_key(pk, s->program);
	pack_key(pk, "version");
	pack_key(pk, s->version);
	pack_key(pk, "args");
	pack_words(pk, s->argv);
	if (s->title != NULL) {
		pack_key(pk, "title");
		pack_text(pk, s->title, strlen(s->title));
	}
	if (s->answer)
		pack_flag(pk, "answer", true);
	if (s->mappings)
		pack_flag(pk, "mappings", true);
}

/* Packs the old stages and one more. */
static void pack_stages(msgpack_packer *pk, const msgpack_object *old, const struct mt_stage_options *more)
{
	uint32_t n = old != NULL && old->type == MSGPACK_OBJECT_ARRAY ? old->via.array.size : 0;

	msgpack_pack_array(pk, n + 1);
	for (uint32_t i = 0; i < n; i++)
		msgpack_pack_object(pk, old->via.array.ptr[i]);
	pack_stage(pk, more);
}

struct mt_header *mt_header_add_stage(const struct mt_header *h, const struct mt_stage_options *stage)
{
	msgpack_unpacked u;
	struct packed packed;
	msgpack_packer pk;
	struct mt_header *added = NULL;

	if (!unpack(&u, h->raw, h->raw_size))
		goto out;
	const msgpack_object_map *map = &u.data.via.map;
	const msgpack_object *old = find(&u.data, "provenance");
	pack_into(&packed, &pk);
	msgpack_pack_map(&pk, map->size + (old == NULL));
	for (uint32_t i = 0; i < map->size; i++) {
		msgpack_pack_object(&pk, map->ptr[i].key);
		if (&map->ptr[i].val == old)
			pack_stages(&pk, old, stage);
		else
			msgpack_pack_object(&pk, map->ptr[i].val);
	}
	if (old == NULL) {
		pack_key(&pk, "provenance");
		pack_stages(&pk, NULL, stage);
	}
	added = from_packed(&packed);
out:
	msgpack_unpacked_destroy(&u);
	return added;
}

/* ---------------------------------------------------------------- info maps */

/* Finds the value of a key in a map. */
static bool info_at(struct mt_str info, const char *key, struct mp_view *value)
{
	struct mp_view v = { (const uint8_t *)info.p, (const uint8_t *)info.p + info.n };
	uint32_t pairs;

	if (info.n == 0 || !mp_take_head(&v, MP_MAP, &pairs))
		return false;
	while (pairs-- > 0) {
		struct mp_view k;
		const char *text;
		size_t n;
		if (!mp_take_object(&v, &k.p, &n))
			return false;
		k.end = k.p + n;
		if (!mp_take_object(&v, &value->p, &n))
			return false;
		value->end = value->p + n;
		if (mp_take_text(&k, &text, &n) && n == strlen(key) && memcmp(text, key, n) == 0)
			return true;
	}
	return false;
}

struct mt_str mt_info_text(struct mt_str info, const char *key)
{
	struct mp_view v;
	struct mt_str text = { "", 0 };

	if (!info_at(info, key, &v) || !mp_take_text(&v, &text.p, &text.n))
		return (struct mt_str){ "", 0 };
	return text;
}

char *mt_shell_words(const char *const *words, size_t n)
{
	struct text t = text_new();

	for (size_t i = 0; i < n; i++)
		text_add_word(&t, words[i], strlen(words[i]));
	return t.p;
}

char *mt_info_words(struct mt_str info, const char *key)
{
	struct mp_view v;
	struct text words;
	uint32_t n;

	errno = 0;
	if (!info_at(info, key, &v) || !mp_take_head(&v, MP_ARRAY, &n))
		return NULL;
	words = text_new();
	for (; n > 0; n--) {
		const char *word;
		size_t size;
		if (!mp_take_text(&v, &word, &size)) {
			free(words.p);
			return NULL;
		}
		text_add_word(&words, word, size);
	}
	if (words.p == NULL)
		errno = ENOMEM;
	return words.p;
}

int64_t mt_info_int(struct mt_str info, const char *key, int64_t otherwise)
{
	struct mp_view v;
	int64_t value;

	return info_at(info, key, &v) && mp_take_int(&v, &value) ? value : otherwise;
}
