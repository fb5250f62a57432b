/*
 * out.c - write rows: comma-separated values, or a JSON object each
 */
#include "out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "xmalloc.h"

#define ROOM 65536	/* flushed when fewer bytes than a row's fields are left */
#define ROW_MAX 1024
#define ROW_END 2	/* bytes after the text: "}\n" */

struct out {
	struct places *places;
	bool json;
	FILE *texts;
	uint32_t n_texts;	/* places in it */
	bool inside;		/* a row has begun */
	size_t n;
	uint64_t second;	/* the one that `date` shows */
	char date[32];
	char at[ROOM];
};

struct out *out_new(struct places *places, bool json, FILE *texts, const char *names)
{
	struct out *o = xcalloc(1, sizeof *o);

	o->places = places;
	o->json = json;
	o->texts = texts;
	o->second = UINT64_MAX;
	if (!json) {
		fputs(names, stdout);
		if (texts)
			fputs(",place", stdout);
		else
			places_print_names(places, stdout);
		putchar('\n');
	}
	if (texts) {
		fputs("place,start_ms", texts);
		places_print_names(places, texts);
		putc('\n', texts);
	}
	return o;
}

void out_flush(struct out *o)
{
	if (o->texts && fflush(o->texts) != 0)
		die("--texts: cannot be written: %s", strerror(errno));
	fwrite(o->at, 1, o->n, stdout);
	o->n = 0;
	fflush(stdout);
}

void out_end(struct out *o)
{
	out_flush(o);
	free(o);
}

/* ---------------------------------------------------------------- fields */

static void add(struct out *o, const char *p, size_t n)
{
	memcpy(o->at + o->n, p, n);
	o->n += n;
}

static void add_number(struct out *o, uint64_t value)
{
	char digits[20], *end = digits + sizeof digits, *p = end;

	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	add(o, p, (size_t)(end - p));
}

static void begin_field(struct out *o, const char *name)
{
	if (!o->inside && ROOM - o->n < ROW_MAX)
		out_flush(o);
	if (o->inside)
		add(o, ",", 1);
	else if (o->json)
		add(o, "{", 1);
	o->inside = true;
	if (!o->json)
		return;
	add(o, "\"", 1);
	add(o, name, strlen(name));
	add(o, "\":", 2);
}

void out_number(struct out *o, const char *name, uint64_t value)
{
	begin_field(o, name);
	add_number(o, value);
}

void out_word(struct out *o, const char *name, const char *text)
{
	begin_field(o, name);
	if (o->json)
		add(o, "\"", 1);
	add(o, text, strlen(text));
	if (o->json)
		add(o, "\"", 1);
}

void out_null(struct out *o, const char *name)
{
	begin_field(o, name);
	if (o->json)
		add(o, "null", 4);
}

void out_bool(struct out *o, const char *name, bool value)
{
	begin_field(o, name);
	add(o, value ? "true" : "false", value ? 4 : 5);
}

void out_time(struct out *o, const char *name, uint64_t unix_ms)
{
	time_t second = (time_t)(unix_ms / 1000);
	unsigned ms = (unsigned)(unix_ms % 1000);
	struct tm tm;

	if (unix_ms == 0 || (o->second != unix_ms / 1000 &&
			     (!gmtime_r(&second, &tm) || !strftime(o->date, sizeof o->date, "%F %T", &tm)))) {
		out_null(o, name);
		return;
	}
	o->second = unix_ms / 1000;
	begin_field(o, name);
	if (o->json)
		add(o, "\"", 1);
	add(o, o->date, strlen(o->date));
	add(o, (char[]){ '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10) }, 4);
	if (o->json)
		add(o, "\"", 1);
}

/* ---------------------------------------------------------------- places */

static void put_texts(struct out *o, uint32_t place)
{
	for (; o->n_texts <= place; o->n_texts++) {
		struct mt_str text = places_text(o->places, o->n_texts);
		fprintf(o->texts, "%" PRIu32 ",%" PRIu64, o->n_texts, places_start_ms(o->places, o->n_texts));
		fwrite(text.p, 1, text.n, o->texts);
		putc('\n', o->texts);
	}
}

static void add_text(struct out *o, struct mt_str text)
{
	if (o->n + text.n + ROW_END > ROOM) {
		out_flush(o);
		fwrite(text.p, 1, text.n, stdout);
	} else {
		add(o, text.p, text.n);
	}
}

void out_place(struct out *o, uint32_t place)
{
	if (o->texts) {
		put_texts(o, place);
		out_number(o, "place", place);
	} else {
		add_text(o, places_text(o->places, place));
	}
	if (o->json)
		add(o, "}", 1);
	add(o, "\n", 1);
	o->inside = false;
}
