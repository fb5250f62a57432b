/*
 * labels.c - read folded lines into a tree of places, parsing the labels of their frames
 */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* Labels, each parsed once. */
struct labels {
	struct tree *tree;
	struct texts text;
	uint32_t *place_of;	/* per label; 0 = not parsed yet (place 0 is the root's) */
	size_t cap_places;
};

/*
 * Returns the index of the "(" in "name (file:line)", or of the "[" in native code's
 * "name [file:line]"; else 0. It counts nested brackets, as names and paths may contain some.
 */
static size_t open_bracket(const char *p, size_t n)
{
	size_t level = 0;

	if (n < 4 || (p[n - 1] != ')' && p[n - 1] != ']'))
		return 0;
	char close = p[n - 1], open = close == ')' ? '(' : '[';
	for (size_t i = n; i-- > 1;) {
		if (p[i] == close)
			level++;
		else if (p[i] == open && --level == 0)
			return p[i - 1] == ' ' ? i : 0;
	}
	return 0;
}

static bool looks_like_file(const char *p, size_t n)
{
	return memchr(p, '/', n) || memchr(p, '.', n) || p[0] == '<';
}

/* Removes ":123" from the end of a path. Returns the line, or 0 if there is none. */
static uint32_t take_line(const char *p, size_t *n)
{
	size_t digits = 0;
	uint64_t line = 0, unit = 1;

	while (digits < *n && digits < 9 && p[*n - 1 - digits] >= '0' && p[*n - 1 - digits] <= '9') {
		line += (uint64_t)(p[*n - 1 - digits] - '0') * unit;
		unit *= 10;
		digits++;
	}
	if (digits == 0 || digits + 1 >= *n || p[*n - 1 - digits] != ':')
		return 0;
	*n -= digits + 1;
	return (uint32_t)line;
}

/* Parses "name (file:line)", "name (file)", the same with "[", or a name alone. Returns a new place. */
static uint32_t parse_label(struct tree *t, const char *p, size_t n)
{
	struct place place = { 0 };
	size_t open = open_bracket(p, n), name_size = n;

	if (open) {
		const char *file = p + open + 1;
		size_t file_size = n - open - 2;
		uint32_t line = take_line(file, &file_size);
		if (line || looks_like_file(file, file_size)) {
			place.file = tree_text(t, file, file_size);
			place.line = line;
			name_size = open - 1;
		}
	}
	place.name = name_size ? tree_text(t, p, name_size) : texts_number(&t->text, "[no name]", 9);
	place.kind = place.file && p[open] == '[' ? PLACE_NATIVE : tree_guess_kind(t, place.name, place.file);
	return tree_place(t, &place);
}

static uint32_t place_of_label(struct labels *l, const char *p, size_t n)
{
	uint32_t before = texts_count(&l->text);
	uint32_t label = texts_number(&l->text, p, n);

	GROW(l->place_of, label, l->cap_places);
	if (label >= before)
		l->place_of[label] = 0;
	if (!l->place_of[label])
		l->place_of[label] = parse_label(l->tree, p, n);
	return l->place_of[label];
}

static void labels_init(struct labels *l, struct tree *t)
{
	*l = (struct labels){ .tree = t };
	GROW(l->place_of, 0, l->cap_places);
	l->place_of[0] = 0;
}

static void labels_clear(struct labels *l)
{
	free(l->place_of);
	texts_clear(&l->text);
}

/* ---------------------------------------------------------------- lines */

static uint32_t node_of(struct labels *l, const struct folded_line *line, struct folded_nodes *nodes)
{
	uint32_t node = line->same ? nodes->at[line->same - 1] : 0;

	for (size_t i = line->same; i < line->frames; i++) {
		size_t n;
		const char *label = folded_frame(line, i, &n);
		GROW(nodes->at, i, nodes->cap);
		nodes->at[i] = node = calltree_child(l->tree->calls, node, place_of_label(l, label, n));
	}
	return node;
}

void labels_take(struct folded *f, struct tree *t)
{
	struct folded_nodes nodes = { 0 };
	struct folded_line line;
	struct labels l;

	labels_init(&l, t);
	t->difference = folded_is_difference(f);
	while (folded_next(f, &line))
		if (!tree_add(t, node_of(&l, &line, &nodes), line.number[0], line.number[1]))
			folded_reject(f, "the sum of the numbers goes beyond 2^53 here, which the page cannot count");
	free(nodes.at);
	labels_clear(&l);
}
