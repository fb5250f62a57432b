/*
 * anonymize.c - replaces the names, paths and command lines of a trace, each by the same word everywhere
 *
 * A text becomes a letter and its number, in the order of first occurrence: the same text has the same number, whatever
 * it names. A path is replaced part by part and keeps its extension, so files still share their folders and are
 * recognised as Python's or native. What the format and the interpreter define stays.
 */
#include "anonymize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mp.h"
#include "texts.h"
#include "xmalloc.h"

#define EXTENSION_MAX 5		/* ".lz4", ".cpp"; longer ones may be names */
#define LABEL_MAX 32

struct buffer {
	char *p;
	size_t n, cap;
};

struct anonymizer {
	struct texts texts;
	struct buffer name, file, module, info;
};

struct anonymizer *anonymizer_new(void)
{
	return xcalloc(1, sizeof(struct anonymizer));
}

void anonymizer_free(struct anonymizer *a)
{
	texts_clear(&a->texts);
	free(a->name.p);
	free(a->file.p);
	free(a->module.p);
	free(a->info.p);
	free(a);
}

/* ---------------------------------------------------------------- texts */

static void add(struct buffer *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	GROW(b->p, b->n + n, b->cap);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_label(struct anonymizer *a, struct buffer *b, char letter, const char *p, size_t n)
{
	char label[LABEL_MAX];

	add(b, label, (size_t)snprintf(label, sizeof label, "%c%u", letter, (unsigned)texts_number(&a->texts, p, n)));
}

/* Names that the interpreter and memrec give, which say nothing of the program. */
static bool is_given(const char *p, size_t n, char letter)
{
	static const struct {
		char letter;		/* 0: of anything */
		const char *name;
	} names[] = {
		{ 0, "<module>" }, { 0, "<lambda>" }, { 0, "<listcomp>" }, { 0, "<dictcomp>" }, { 0, "<setcomp>" },
		{ 0, "<genexpr>" }, { 0, "<string>" }, { 0, "<stdin>" },
		{ 'f', "[interpreter start-up]" }, { 'f', "[interpreter shutdown]" }, { 'f', "[thread start]" },
		{ 'f', "[no Python frame]" }, { 'f', "[pymalloc arena]" }, { 'f', "[code in no file]" },
		{ 's', "start-up" }, { 's', "script" }, { 's', "shutdown" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((!names[i].letter || names[i].letter == letter) && strlen(names[i].name) == n &&
		    memcmp(names[i].name, p, n) == 0)
			return true;
	return false;
}

/* The length of the extension, with its dot: of "libx.so.6" it is that of ".so". */
static size_t extension(const char *p, size_t n, const char **at)
{
	const char *so = n > 3 ? memmem(p, n, ".so", 3) : NULL;

	if (so && so > p && (so + 3 == p + n || so[3] == '.')) {
		*at = so;
		return 3;
	}
	for (size_t size = 1; size < n && size <= EXTENSION_MAX; size++) {
		*at = p + n - size;
		if (**at == '.')
			return size > 1 ? size : 0;
	}
	return 0;
}

static void add_part(struct anonymizer *a, struct buffer *b, const char *p, size_t n)
{
	const char *at = NULL;
	size_t size = extension(p, n, &at);

	if (n == 0 || (n == 1 && *p == '.') || (n == 2 && memcmp(p, "..", 2) == 0)) {
		add(b, p, n);
		return;
	}
	add_label(a, b, 'p', p, size ? (size_t)(at - p) : n);
	add(b, at, size);
}

static void add_text(struct anonymizer *a, struct buffer *b, char letter, const char *p, size_t n)
{
	const char *end = p + n, *slash;

	if (n == 0 || is_given(p, n, letter)) {
		add(b, p, n);
		return;
	}
	if (!memchr(p, '/', n) && letter != 'p') {
		add_label(a, b, letter, p, n);
		return;
	}
	for (; (slash = memchr(p, '/', (size_t)(end - p))) != NULL; p = slash + 1) {
		add_part(a, b, p, (size_t)(slash - p));
		add(b, "/", 1);
	}
	add_part(a, b, p, (size_t)(end - p));
}

static void replace(struct anonymizer *a, struct buffer *b, char letter, struct mt_str *text)
{
	b->n = 0;
	add_text(a, b, letter, text->p, text->n);
	*text = (struct mt_str){ b->n ? b->p : text->p, b->n };
}

/* ---------------------------------------------------------------- msgpack */

struct key {
	const char *name;
	enum { TEXTS, PATHS, KEPT, TITLE } values;
};

/* Of headers and info maps. Other keys are texts themselves. */
static const struct key keys[] = {
	{ "format", KEPT }, { "version", KEPT }, { "kinds", KEPT }, { "program", KEPT }, { "python", KEPT },
	{ "reason", KEPT }, { "title", TITLE }, { "executable", PATHS }, { "module", PATHS },
	{ "start_ns", KEPT }, { "begin_ms", KEPT }, { "native", KEPT }, { "python_allocators", KEPT },
	{ "follow_fork", KEPT }, { "sample", KEPT },
	{ "answer", KEPT }, { "mappings", KEPT }, { "address", KEPT }, { "code", KEPT },
	{ "signal", KEPT }, { "finalizing", KEPT }, { "ppid", KEPT }, { "unknown_frees", KEPT },
	{ "command", TEXTS }, { "host", TEXTS }, { "args", TEXTS }, { "options", TEXTS }, { "provenance", TEXTS },
	{ "build_id", TEXTS }, { "types", TEXTS }, { "blocks", KEPT }, { "moment", KEPT }, { "typed", KEPT },
	{ "mapping", KEPT }, { "references", KEPT }, { "names", TEXTS }, { "root", TEXTS },
	{ "start", KEPT }, { "resident", KEPT },
};

static const struct key *find_key(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strlen(keys[i].name) == n && memcmp(keys[i].name, p, n) == 0)
			return &keys[i];
	return NULL;
}

static void put_text(struct buffer *to, const char *p, size_t n)
{
	uint8_t head[MP_INT_SIZE];

	add(to, head, (size_t)(mp_put_text_head(head, (uint32_t)n) - head));
	add(to, p, n);
}

/* Damaged objects do not come here: the reader has measured them. */
static void copy_object(struct anonymizer *a, struct mp_view *v, char letter)
{
	struct mp_head h;
	struct buffer label = { NULL, 0, 0 };
	const uint8_t *object;
	const char *text;
	size_t n;

	if (mp_take_text(v, &text, &n)) {
		add_text(a, &label, letter, text, n);
		put_text(&a->info, label.p, label.n);
		free(label.p);
		return;
	}
	if (mp_head(v->p, (size_t)(v->end - v->p), &h) != 1)
		die("an object of the trace makes no sense");
	if (h.type != MP_ARRAY && h.type != MP_MAP) {
		if (!mp_take_object(v, &object, &n))
			die("an object of the trace makes no sense");
		if (h.type == MP_BIN || h.type == MP_EXT)
			add(&a->info, "\xc0", 1);	/* nil: bytes may be a text */
		else
			add(&a->info, object, n);
		return;
	}
	add(&a->info, v->p, h.size);
	v->p += h.size;
	for (uint32_t i = 0; i < h.n && h.type == MP_ARRAY; i++)
		copy_object(a, v, letter);
	for (uint32_t i = 0; i < h.n && h.type == MP_MAP; i++) {
		struct mp_view at = *v;
		const struct key *key = mp_take_text(&at, &text, &n) ? find_key(text, n) : NULL;
		if (!key) {
			copy_object(a, v, 'k');
			copy_object(a, v, 'w');
			continue;
		}
		put_text(&a->info, text, n);
		*v = at;
		if (key->values == KEPT || key->values == TITLE) {
			if (!mp_take_object(v, &object, &n))
				die("an object of the trace makes no sense");
			if (key->values == TITLE && n > 1)
				put_text(&a->info, "filtered", strlen("filtered"));
			else
				add(&a->info, object, n);
		} else {
			copy_object(a, v, key->values == PATHS ? 'p' : 'w');
		}
	}
}

static struct mt_str replace_info(struct anonymizer *a, const void *p, size_t n)
{
	struct mp_view v = { p, (const uint8_t *)p + n };

	a->info.n = 0;
	if (n)
		copy_object(a, &v, 'w');
	return (struct mt_str){ a->info.p, a->info.n };
}

/* ---------------------------------------------------------------- headers and events */

struct mt_header *anonymize_header(struct anonymizer *a, const struct mt_header *h)
{
	struct mt_str raw = replace_info(a, h->raw, h->raw_size);
	const char *why = "out of memory";
	struct mt_header *new = mt_header_parse((const uint8_t *)raw.p, raw.n, &why);

	if (!new)
		die("%s", why);
	return new;
}

bool anonymize_event(struct anonymizer *a, struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_OTHER:
	case MT_SOURCE:
		return false;
	case MT_FUNCTION:
		replace(a, &a->name, 'f', &ev->name);
		replace(a, &a->file, 'p', &ev->file);
		replace(a, &a->module, 'p', &ev->module);
		return true;
	case MT_SPAN:
		replace(a, &a->name, 's', &ev->name);
		return true;
	case MT_THREAD:
	case MT_LOST:
		replace(a, &a->name, 'n', &ev->name);
		return true;
	case MT_PROCESS:
	case MT_EXIT:
	case MT_MEMORY:
	case MT_CENSUS:
	case MT_BLOCKS:
	case MT_PAGES:
		ev->info = replace_info(a, ev->info.p, ev->info.n);
		return true;
	default:
		return true;
	}
}
