/*
 * pack.c - pack a tree into the compressed columns that a page contains (pack.h has the layout)
 */
#include "pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "error.h"
#include "json.h"
#include "buffer.h"
#include "first.h"
#include "pack_time.h"
#include "package.h"
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
		offsetof(struct place, package), offsetof(struct place, line), offsetof(struct place, kind),
		offsetof(struct place, source), offsetof(struct place, before),
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

/*
 * frame_of: a place's number in the page. smaller: the first view's (first.h), or NULL for the whole; with time, the
 * amounts of that are in the intervals instead.
 */
static void put_nodes(struct buffer *b, const struct tree *t, const struct page *page, const uint32_t *frame_of,
		      const uint32_t *smaller)
{
	struct tree_order order = tree_order(t);
	uint32_t n = calltree_count(t->calls);
	bool time = page->recording && page->recording->points;
	int weights = time && !smaller ? 0 : page->counts || t->difference ? 2 : 1;
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
	for (uint32_t i = 0; smaller && i < n; i++)
		v[i] = smaller[order.nodes[i]];
	if (smaller)
		buffer_column(b, v, n);
	free(v);
	if (time)
		put_slices(b, page->recording->points);
	if (time && !smaller)
		put_intervals(b, page->recording, page->node_of_key, &order, n);
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

/* Writes "kinds": the number of places of each kind. */
static void write_kinds(const struct tree *t, FILE *out)
{
	uint32_t count[N_PLACE_KINDS] = { 0 };

	for (uint32_t i = 0; i < t->n_places; i++)
		count[t->places[i].kind]++;
	count[PLACE_IMPORT] += count[PLACE_NATIVE_IMPORT];
	fputs(",\"kinds\":[", out);
	for (int i = 0; i < PLACE_NATIVE_IMPORT; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "", count[i]);
	putc(']', out);
}

/* Writes "packages": of the first view, the memory of each, which its nodes do not show. */
static void write_packages(const struct tree *t, const struct first_view *first, const uint32_t *order, FILE *out)
{
	const char *comma = "";

	fprintf(out, ",\"first\":%d,\"packages\":[", FIRST_WIDTH);
	for (uint32_t i = 0; i < t->n_places; i++) {
		uint32_t package = t->places[order[i]].package;
		if (!first->of_package[package])
			continue;
		fprintf(out, "%s[", comma);
		json_printable(out, texts_text(&t->text, package).p);
		fprintf(out, ",%" PRIu64 "]", first->of_package[package]);
		first->of_package[package] = 0;
		comma = ",";
	}
	putc(']', out);
}

static void write_own_folder(const struct tree *t, FILE *out)
{
	size_t n;
	const char *folder = packages_own_folder(t, &n);
	char *root = folder ? xasprintf("%.*s", (int)n, folder) : xstrdup("");

	fputs(",\"root\":", out);
	json_text(out, root, n);
	free(root);
}

static void write_about(const struct tree *t, const struct page *page, const struct first_view *first,
			const uint32_t *order, FILE *out)
{
	fputs("{\"title\":", out);
	json_printable(out, page->title);
	json_flag(out, "titled", page->titled);
	fputs(",\"command\":", out);
	json_printable(out, page->command);
	json_flag(out, "inverted", page->inverted);
	json_flag(out, "processes", page->processes);
	json_flag(out, "difference", t->difference);
	json_flag(out, "mixed", tree_is_mixed(t));
	write_kinds(t, out);
	write_own_folder(t, out);
	if (first)
		write_packages(t, first, order, out);
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

static void put_about(struct buffer *b, const struct tree *t, const struct page *page, const struct first_view *first,
		      const uint32_t *order)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = xmemstream(&text, &n);

	write_about(t, page, first, order, out);
	xmemstream_close(out, &text);
	buffer_number(b, n);
	buffer_bytes(b, text, n);
	free(text);
}

/* Returns the columns of t, or if there is a first view of it, of that; `order` are the places of t. */
static struct buffer columns(const struct tree *t, const struct page *page, const struct first_view *first,
			     const uint32_t *order)
{
	struct buffer b = { 0 };
	const struct tree *shown = first ? &first->tree : t;
	uint32_t *frame_of = xmalloc(shown->n_places * sizeof *frame_of);
	uint32_t *places = xmalloc(shown->n_places * sizeof *places);

	for (uint32_t i = 0; i < shown->n_places; i++) {
		places[i] = first ? i : order[i];	/* a first view's are in that order */
		frame_of[places[i]] = i;
	}
	buffer_number(&b, 4);
	put_about(&b, t, page, first, order);
	put_texts(&b, &shown->text);
	buffer_number(&b, shown->stacks);
	put_frames(&b, shown, places);
	put_nodes(&b, shown, page, frame_of, first ? first->smaller : NULL);
	free(places);
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

static void write_columns(struct buffer b, FILE *out)
{
	write_deflated(&b, out);
	free(b.p);
}

void pack(const struct tree *t, const struct page *page, FILE *out)
{
	uint32_t *order = frame_order(t);

	write_columns(columns(t, page, NULL, order), out);
	free(order);
}

void pack_first(const struct tree *t, const struct page *page, FILE *out)
{
	uint32_t *order = frame_order(t);
	struct first_view first;

	if (first_view_make(&first, t, page, order)) {
		write_columns(columns(t, page, &first, order), out);
		first_view_clear(&first);
	}
	free(order);
}
