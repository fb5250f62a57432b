/*
 * tree.c - the call tree of a page: places, nodes, and the memory of each node
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "stacks.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- texts */

/* Returns the character whose escape by memfold is at p: ';' or '\\', which have a meaning in folded lines; else 0. */
static char escaped_char(const char *p, size_t n)
{
	if (n < 4 || p[0] != '\\' || p[1] != 'x')
		return 0;
	if (memcmp(p + 2, "3b", 2) == 0 || memcmp(p + 2, "3B", 2) == 0)
		return ';';
	if (memcmp(p + 2, "5c", 2) == 0 || memcmp(p + 2, "5C", 2) == 0)
		return '\\';
	return 0;
}

static bool is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f || p[i] == '\\')
			return false;
	return true;
}

uint32_t tree_text(struct tree *t, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	if (is_plain(p, n))
		return texts_number(&t->text, p, n);

	char *shown = xmalloc(4 * n), *q = shown;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char undone = escaped_char(p + i, n - i);
		if (undone) {
			*q++ = undone;
			i += 3;
		} else if (c < ' ' || c == 0x7f) {
			*q++ = '\\';
			*q++ = 'x';
			*q++ = hex[c >> 4];
			*q++ = hex[c & 15];
		} else {
			*q++ = (char)c;
		}
	}
	uint32_t number = texts_number(&t->text, shown, (size_t)(q - shown));
	free(shown);
	return number;
}

/* Appends the text of a line, as tree_text() shows it, with tabs of 8 columns; returns its new end. */
static char *add_line(char *to, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0, column = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		size_t blanks = c == '\t' ? 8 - column % 8 : 0;
		if (c == '\t') {
			memset(to, ' ', blanks);
			to += blanks;
			column += blanks;
		} else if (c < ' ' || c == 0x7f) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
			column += 4;
		} else {
			*to++ = (char)c;
			column += (c & 0xc0) != 0x80;
		}
	}
	return to;
}

uint32_t tree_source(struct tree *t, const char *p, size_t n)
{
	const char *end = p + n;
	char *shown = xmalloc(8 * n + 1), *q = shown;

	for (;;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		q = add_line(q, p, (size_t)((newline ? newline : end) - p));
		if (!newline)
			break;
		*q++ = '\x1f';
		p = newline + 1;
	}
	uint32_t number = texts_number(&t->text, shown, (size_t)(q - shown));
	free(shown);
	return number;
}

/* ---------------------------------------------------------------- places */

static bool ends(const char *p, size_t n, const char *with)
{
	size_t len = strlen(with);
	return n >= len && memcmp(p + n - len, with, len) == 0;
}

enum place_kind tree_guess_kind(const struct tree *t, uint32_t name, uint32_t file)
{
	struct mt_str text = texts_text(&t->text, file ? file : name);
	const char *p = text.p;
	size_t n = text.n;

	if (n == 0 || (!file && p[0] == '[' && p[n - 1] == ']'))
		return PLACE_VIRTUAL;
	if (file_is_import_system(p, n))
		return PLACE_IMPORT;
	/* The interpreter makes names such as "<string>", "<frozen os>", "<module>". */
	if (p[0] == '<' || ends(p, n, ".py") || ends(p, n, ".pyx") || ends(p, n, ".pyw"))
		return PLACE_PYTHON;
	return PLACE_NATIVE;
}

uint32_t tree_place(struct tree *t, const struct place *place)
{
	if (t->n_places == UINT32_MAX)
		die("more than 4 billion different frames");
	GROW(t->places, t->n_places, t->cap_places);
	t->places[t->n_places] = *place;
	return t->n_places++;
}

bool tree_add(struct tree *t, uint32_t node, uint64_t bytes, uint64_t count)
{
	if (bytes > LARGEST_AMOUNT - t->bytes || count > LARGEST_AMOUNT - t->count)
		return false;
	if (t->difference && t->bytes + bytes > LARGEST_AMOUNT - t->count - count)
		return false;
	uint64_t *own = calltree_call(t->calls, node)->own;
	if (!own[OWN_BYTES] && !own[OWN_COUNT] && (bytes || count))
		t->stacks++;
	own[OWN_BYTES] += bytes;
	own[OWN_COUNT] += count;
	t->bytes += bytes;
	t->count += count;
	return true;
}

/* ---------------------------------------------------------------- order */

/* Returns a node's own width in the page: its bytes, else (in a tree without bytes) its count; the larger side. */
static uint64_t width_of(const struct tree *t, const uint64_t own[2])
{
	if (t->difference)
		return own[OWN_BYTES] > own[OWN_COUNT] ? own[OWN_BYTES] : own[OWN_COUNT];
	return t->bytes ? own[OWN_BYTES] : own[OWN_COUNT];
}

/* Returns the width of each node including its descendants. */
static uint64_t *totals(const struct tree *t, uint32_t n)
{
	uint64_t *total = xmalloc(n * sizeof *total);

	for (uint32_t i = 0; i < n; i++)
		total[i] = width_of(t, calltree_call(t->calls, i)->own);
	for (uint32_t i = n - 1; i > 0; i--)
		total[calltree_call(t->calls, i)->parent] += total[i];
	return total;
}

static int by_falling_total(uint32_t x, uint32_t y, void *arg)
{
	const uint64_t *total = arg;

	if (total[x] != total[y])
		return total[x] < total[y] ? 1 : -1;
	return x < y ? -1 : x > y;
}

struct tree_order tree_order(const struct tree *t)
{
	uint32_t n = calltree_count(t->calls), *depth_of = xcalloc(n, sizeof *depth_of);
	uint64_t *total = totals(t, n);
	struct children c = calltree_children(t->calls, by_falling_total, total);
	uint32_t *walk = calltree_walk(t->calls, &c);
	struct tree_order order = {
		.nodes = xcalloc(n, sizeof *order.nodes),
		.depth = xcalloc(n, sizeof *order.depth),
	};

	for (uint32_t i = 1; i < n; i++)
		depth_of[i] = depth_of[calltree_call(t->calls, i)->parent] + 1;
	for (uint32_t i = 1; i < n; i++) {
		order.nodes[i] = walk[i - 1];
		order.depth[i] = depth_of[walk[i - 1]];
	}
	free(depth_of);
	free(total);
	free(c.first);
	free(c.order);
	free(walk);
	return order;
}

void tree_init(struct tree *t)
{
	*t = (struct tree){ .calls = calltree_new() };
	tree_place(t, &(struct place){ .name = tree_text(t, "all", 3), .kind = PLACE_VIRTUAL });
}

void tree_clear(struct tree *t)
{
	texts_clear(&t->text);
	calltree_free(t->calls);
	free(t->places);
	*t = (struct tree){ 0 };
}
