/*
 * write_text.c - write a trace as lines of JSON
 *
 * Numbers of allocations and frees are formatted by hand: printf(3) would
 * take most of the time.
 */
#include "text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "rows.h"
#include "xmalloc.h"

/* The line being formatted; the longest has less than 300 characters. */
struct line {
	char *p;
	char text[512];
};

static void add(struct line *l, const char *text, size_t n)
{
	memcpy(l->p, text, n);
	l->p += n;
}

#define ADD(l, literal) add(l, literal, sizeof literal - 1)

static void add_digits(struct line *l, uint64_t v)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	add(l, digits + n, sizeof digits - n);
}

/* Adds a number in the form that read_text.c reads: jansson's integers end at 2^63-1. */
static void add_number(struct line *l, uint64_t v)
{
	if (v <= INT64_MAX) {
		add_digits(l, v);
		return;
	}
	ADD(l, "{\"$uint\":\"");
	add_digits(l, v);
	ADD(l, "\"}");
}

static void add_context(struct line *l, const struct mt_event *ev)
{
	ADD(l, ",\"pid\":");
	add_digits(l, ev->pid);
	ADD(l, ",\"tid\":");
	add_digits(l, ev->tid);
	ADD(l, ",\"time_ms\":");
	add_digits(l, ev->time_ms);
}

static void end_line(struct line *l, FILE *out)
{
	ADD(l, "}\n");
	fwrite_unlocked(l->text, 1, (size_t)(l->p - l->text), out);
}

static void write_alloc(FILE *out, const struct mt_event *ev)
{
	struct line l = { .p = l.text };
	const char *allocator = mt_allocator_name(ev->allocator);

	ADD(&l, "{\"event\":\"alloc\",\"id\":");
	add_digits(&l, ev->id);
	ADD(&l, ",\"size\":");
	add_number(&l, ev->size);
	ADD(&l, ",\"allocator\":");
	if (*allocator == '?') {
		add_digits(&l, ev->allocator);
	} else {
		ADD(&l, "\"");
		add(&l, allocator, strlen(allocator));
		ADD(&l, "\"");
	}
	ADD(&l, ",\"stack\":");
	add_digits(&l, ev->stack);
	add_context(&l, ev);
	if (ev->weight != 1) {
		ADD(&l, ",\"weight\":");
		add_number(&l, ev->weight);
	}
	end_line(&l, out);
}

static void write_free(FILE *out, const struct mt_event *ev)
{
	struct line l = { .p = l.text };

	ADD(&l, "{\"event\":\"free\",\"id\":");
	add_digits(&l, ev->id);
	add_context(&l, ev);
	end_line(&l, out);
}

static void write_number(FILE *out, const char *key, uint64_t v)
{
	fprintf(out, v > INT64_MAX ? ",\"%s\":{\"$uint\":\"%llu\"}" : ",\"%s\":%llu", key,
		(unsigned long long)v);
}

static void write_string(FILE *out, const char *key, struct mt_str s)
{
	fprintf(out, ",\"%s\":", key);
	json_text(out, s.p, s.n);
}

static void write_lang(FILE *out, unsigned lang)
{
	if (lang == MT_LANG_PYTHON || lang == MT_LANG_NATIVE)
		fprintf(out, ",\"lang\":\"%s\"", lang == MT_LANG_PYTHON ? "python" : "native");
	else
		write_number(out, "lang", lang);
}

static void write_object(FILE *out, const char *key, struct mt_str o)
{
	fprintf(out, ",\"%s\":", key);
	json_msgpack(out, o.p, o.n);
}

static void write_field(FILE *out, const struct row_field *f, const struct mt_event *ev)
{
	switch (f->type) {
	case FIELD_TEXT:
		write_string(out, f->name, *row_text(f, (struct mt_event *)ev));
		break;
	case FIELD_OBJECT:
		write_object(out, f->name, *row_text(f, (struct mt_event *)ev));
		break;
	case FIELD_LANG:
		write_lang(out, ev->lang);
		break;
	case FIELD_FLAG:
		fprintf(out, ",\"%s\":%s", f->name, row_number(f, ev) ? "true" : "false");
		break;
	default:
		write_number(out, f->name, row_number(f, ev));
	}
}

/* Writes the fields in the order of the row, then those that the kind takes from the context. */
static void write_event(FILE *out, const struct mt_event *ev)
{
	const struct row_kind *k = row_of_event(ev->kind);

	fprintf(out, "{\"event\":\"%s\"", k->name);
	for (const struct row_field *f = k->fields; f < k->fields + k->n_fields; f++)
		write_field(out, f, ev);
	if (k->context & ROW_TAKES_PID)
		write_number(out, "pid", ev->pid);
	if (k->context & ROW_TAKES_TID)
		write_number(out, "tid", ev->tid);
	if (k->context & ROW_TAKES_TIME)
		write_number(out, "time_ms", ev->time_ms);
	fputs("}\n", out);
}

/* Writes the header's map with "event" added as its first key. */
static void write_header_line(FILE *out, const struct mt_header *h)
{
	char *map = NULL;
	size_t n = 0;
	FILE *f = xmemstream(&map, &n);

	json_msgpack(f, h->raw, h->raw_size);
	xmemstream_close(f, &map);
	fputs("{\"event\":\"header\",", out);
	fwrite(map + 1, 1, n - 1, out);
	putc('\n', out);
	free(map);
}

void write_header(FILE *out, const struct mt_header *h)
{
	char *map = NULL;
	size_t n = 0;
	FILE *f = xmemstream(&map, &n);

	json_msgpack(f, h->raw, h->raw_size);
	xmemstream_close(f, &map);
	json_set_alloc_funcs(xmalloc, free);	/* jansson crashes if it runs out of memory */
	json_t *o = json_loadb(map, n, JSON_ALLOW_NUL, NULL);
	char *pretty = o != NULL ? json_dumps(o, JSON_INDENT(2)) : NULL;
	if (pretty == NULL)
		xmalloc(SIZE_MAX);
	json_shown(out, pretty, strlen(pretty));
	putc('\n', out);
	json_decref(o);
	free(pretty);
	free(map);
}

static void write_rare(FILE *out, struct mt_in *in, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_HEADER:
		write_header_line(out, mt_in_header(in));
		break;
	case MT_OTHER:
		fputs("{\"event\":\"other\",\"row\":", out);
		json_msgpack(out, ev->info.p, ev->info.n);
		fputs("}\n", out);
		break;
	default:
		write_event(out, ev);
		break;
	}
}

static void write_end(FILE *out, const struct mt_event *ev, uint64_t allocs, uint64_t frees)
{
	fputs("{\"event\":\"end\"", out);
	write_number(out, "allocs", allocs);
	write_number(out, "frees", frees);
	write_number(out, "time_ms", ev->time_ms);
	fputs("}\n", out);
}

void write_text(FILE *out, struct mt_in *in)
{
	uint64_t allocs = 0, frees = 0;		/* since the header */
	struct mt_event ev;

	write_header_line(out, mt_in_header(in));
	while (mt_next(in, &ev) > 0 && !ferror_unlocked(out)) {
		if (ev.kind == MT_ALLOC) {
			write_alloc(out, &ev);
			allocs++;
		} else if (ev.kind == MT_FREE) {
			write_free(out, &ev);
			frees++;
		} else if (ev.kind == MT_END) {
			write_end(out, &ev, allocs, frees);
		} else {
			if (ev.kind == MT_HEADER)
				allocs = frees = 0;
			write_rare(out, in, &ev);
		}
	}
}
