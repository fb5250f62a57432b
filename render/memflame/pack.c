/*
 * pack.c - pack a tree into the compressed columns that a page contains (pack.h has the layout)
 */
#include "pack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "error.h"
#include "json.h"
#include "buffer.h"
#include "pack_time.h"
#include "tool.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- columns */

static void put_texts(struct buffer *b, const struct texts *texts)
{
	uint32_t count = texts_count(texts);
	size_t n = count;

	for (uint32_t i = 0; i < count; i++)
		n += texts_text(texts, i).n;
	buffer_number(b, count);
	buffer_number(b, n);
	for (uint32_t i = 0; i < count; i++) {
		struct mt_str text = texts_text(texts, i);
		buffer_bytes(b, text.p, text.n);
		buffer_bytes(b, "\n", 1);
	}
}

static int by_falling_use(const void *a, const void *b, void *arg)
{
	const uint32_t *use = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (use[x] != use[y])
		return use[x] < use[y] ? 1 : -1;
	return x < y ? -1 : x > y;
}

/* Returns the places ordered by use, so that frequent ones get small numbers; the root's stays first. */
static uint32_t *frame_order(const struct tree *t)
{
	uint32_t *use = xcalloc(t->n_places, sizeof *use);
	uint32_t *order = xmalloc(t->n_places * sizeof *order);

	for (uint32_t i = 0; i < calltree_count(t->calls); i++)
		use[calltree_call(t->calls, i)->label]++;
	for (uint32_t i = 0; i < t->n_places; i++)
		order[i] = i;
	qsort_r(order + 1, t->n_places - 1, sizeof *order, by_falling_use, use);
	free(use);
	return order;
}

static void put_frames(struct buffer *b, const struct tree *t, const uint32_t *order)
{
	static const size_t columns[] = {
		offsetof(struct place, name), offsetof(struct place, file), offsetof(struct place, module),
		offsetof(struct place, line), offsetof(struct place, kind), offsetof(struct place, source),
		offsetof(struct place, before),
	};
	_Static_assert(sizeof(enum place_kind) == sizeof(uint32_t), "each of these has four bytes");
	uint64_t *v = xcalloc(t->n_places, sizeof *v);

	buffer_number(b, t->n_places);
	for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
		for (uint32_t i = 0; i < t->n_places; i++)
			v[i] = *(const uint32_t *)((const char *)&t->places[order[i]] + columns[k]);
		buffer_column(b, v, t->n_places);
	}
	free(v);
}

/* frame_of: a place's number in the page. With time, the amounts are in the intervals instead. */
static void put_nodes(struct buffer *b, const struct tree *t, const struct page *page, const uint32_t *frame_of)
{
	struct tree_order order = tree_order(t);
	uint32_t n = calltree_count(t->calls);
	bool time = page->recording && page->recording->points;
	int weights = time ? 0 : page->counts || t->difference ? 2 : 1;
	uint64_t *v = xcalloc(n, sizeof *v);

	buffer_number(b, n);
	for (uint32_t i = 1; i < n; i++)
		v[i] = order.depth[i - 1] + 1 - order.depth[i];
	buffer_column(b, v, n);
	for (uint32_t i = 0; i < n; i++)
		v[i] = frame_of[calltree_call(t->calls, order.nodes[i])->label];
	buffer_column(b, v, n);
	for (int w = 0; w < weights; w++) {
		for (uint32_t i = 0; i < n; i++)
			v[i] = calltree_call(t->calls, order.nodes[i])->own[w];
		buffer_column(b, v, n);
	}
	free(v);
	if (time)
		put_time(b, page->recording, page->node_of_key, &order, n);
	free(order.nodes);
	free(order.depth);
}

/* ---------------------------------------------------------------- about the page */

void json_printable(FILE *out, const char *text)
{
	char *shown = tool_printable(text);

	json_text(out, shown, strlen(shown));
	free(shown);
}

static void json_flag(FILE *out, const char *key, bool value)
{
	if (value)
		fprintf(out, ",\"%s\":true", key);
}

static void write_about(const struct tree *t, const struct page *page, FILE *out)
{
	fputs("{\"title\":", out);
	json_printable(out, page->title);
	json_flag(out, "titled", page->titled);
	fputs(",\"command\":", out);
	json_printable(out, page->command);
	json_flag(out, "inverted", page->inverted);
	json_flag(out, "processes", page->processes);
	json_flag(out, "difference", t->difference);
	if (page->inputs[0]) {
		fputs(",\"inputs\":[", out);
		json_printable(out, page->inputs[0]);
		putc(',', out);
		json_printable(out, page->inputs[1]);
		putc(']', out);
	}
	json_flag(out, "phases", page->recording && page->recording->has_phases);
	fputs(",\"units\":[", out);
	json_printable(out, page->unit);
	if (t->difference) {
		putc(',', out);
		json_printable(out, page->unit);
	} else if (page->counts) {
		fputs(",\"allocations\"", out);
	}
	fputs("],\"facts\":[", out);
	for (size_t i = 0; i < page->n_facts; i++) {
		fputs(i ? ",[" : "[", out);
		json_printable(out, page->facts[i].name);
		putc(',', out);
		json_printable(out, page->facts[i].text);
		putc(']', out);
	}
	fputs("],\"warnings\":[", out);
	for (size_t i = 0; i < page->n_warnings; i++) {
		if (i)
			putc(',', out);
		json_printable(out, page->warnings[i]);
	}
	putc(']', out);
	if (page->recording && page->recording->points)
		write_time(page->recording, out);
	putc('}', out);
}

static void put_about(struct buffer *b, const struct tree *t, const struct page *page)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = xmemstream(&text, &n);

	write_about(t, page, out);
	xmemstream_close(out, &text);
	buffer_number(b, n);
	buffer_bytes(b, text, n);
	free(text);
}

static struct buffer columns(const struct tree *t, const struct page *page)
{
	struct buffer b = { 0 };
	buffer_number(&b, 3);
	put_about(&b, t, page);
	put_texts(&b, &t->text);
	buffer_number(&b, t->stacks);

	uint32_t *order = frame_order(t);
	uint32_t *frame_of = xmalloc(t->n_places * sizeof *frame_of);
	for (uint32_t i = 0; i < t->n_places; i++)
		frame_of[order[i]] = i;
	put_frames(&b, t, order);
	put_nodes(&b, t, page, frame_of);
	free(order);
	free(frame_of);
	return b;
}

/* ---------------------------------------------------------------- base64 */

static void write_base64(const uint8_t *p, size_t n, FILE *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; n >= 3; p += 3, n -= 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		putc_unlocked(digit[v >> 18], out);
		putc_unlocked(digit[v >> 12 & 63], out);
		putc_unlocked(digit[v >> 6 & 63], out);
		putc_unlocked(digit[v & 63], out);
	}
	if (n) {
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
		putc_unlocked(digit[v >> 18], out);
		putc_unlocked(digit[v >> 12 & 63], out);
		putc_unlocked(n > 1 ? digit[v >> 6 & 63] : '=', out);
		putc_unlocked('=', out);
	}
}

/* A multiple of three, so that only the last chunk is padded. */
#define CHUNK (3 * 16384)

static void write_deflated(const struct buffer *b, FILE *out)
{
	z_stream z = { 0 };
	uint8_t chunk[CHUNK];
	size_t taken = 0;
	int done = Z_OK;

	/*
	 * -15: raw deflate, without zlib's header. With a million nodes, level 5, filtered, makes 2 % fewer bytes in
	 * two thirds of the time; small pages are mostly texts, of which it would make 10 % more.
	 */
	bool large = b->n > 4u << 20;
	if (deflateInit2(&z, large ? 5 : 6, Z_DEFLATED, -15, 9, large ? Z_FILTERED : Z_DEFAULT_STRATEGY) != Z_OK)
		die("out of memory");
	while (done != Z_STREAM_END) {
		z.next_out = chunk;
		z.avail_out = CHUNK;
		while (z.avail_out > 0 && done != Z_STREAM_END) {
			size_t left = b->n - taken, part = left < 1 << 30 ? left : 1 << 30;
			z.next_in = b->p + taken;
			z.avail_in = (uInt)part;
			done = deflate(&z, part == left ? Z_FINISH : Z_NO_FLUSH);
			if (done == Z_STREAM_ERROR)
				BUG("deflate() refused its stream");
			taken += part - z.avail_in;
		}
		write_base64(chunk, CHUNK - z.avail_out, out);
	}
	deflateEnd(&z);
}

void pack(const struct tree *t, const struct page *page, FILE *out)
{
	struct buffer b = columns(t, page);

	write_deflated(&b, out);
	free(b.p);
}
