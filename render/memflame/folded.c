/*
 * folded.c - folded lines into a tree
 *
 * Lines of one program share long beginnings, most of all when they come
 * sorted or in the order of a tree: what a line has in common with the line
 * before it is compared as bytes, and only the frames behind that are looked up.
 */
#include "folded.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "xmalloc.h"

/* A frame of the line before: its node, and where its label ends in the line. */
struct step {
	uint32_t node;
	size_t end;
};

struct folded {
	const char *name;	/* of the input */
	uint64_t line;
	bool begun;		/* a line was read: whether they have one number or two is known */
	struct tree *tree;
	struct strings labels;
	uint32_t *place_of;	/* by label's number; 0 = not parsed yet (place 0 is the root's) */
	size_t cap_places;
	char *previous;		/* the stack of the line before */
	size_t previous_size, previous_cap;
	struct step *steps;
	size_t n_steps, cap_steps;
};

/* ---------------------------------------------------------------- labels */

/*
 * Where the "(" of "name (file:line)" stands, or the "[" of native code's
 * "name [file:line]"; or 0. They are matched, as names and paths may contain them.
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

/* Take ":123" off the end of a path. 0: there is none. */
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

/* "name (file:line)", "name (file)", the same in brackets, or a name alone. */
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
	place.name = name_size ? tree_text(t, p, name_size) : strings_intern(&t->text, "[no name]", 9);
	place.kind = place.file && p[open] == '[' ? PLACE_NATIVE : tree_guess_kind(t, place.name, place.file);
	return tree_place(t, &place);
}

static uint32_t place_of_label(struct folded *f, const char *p, size_t n)
{
	uint32_t before = f->labels.count;
	uint32_t label = strings_intern(&f->labels, p, n);

	GROW(f->place_of, label, f->cap_places);
	if (label >= before)
		f->place_of[label] = 0;
	if (!f->place_of[label])
		f->place_of[label] = parse_label(f->tree, p, n);
	return f->place_of[label];
}

/* ---------------------------------------------------------------- lines */

static void bad_line(const struct folded *f, const char *line, size_t n, const char *what)
{
	char shown[61];
	size_t k = 0;

	for (; k < n && k < sizeof shown - 1; k++)
		shown[k] = line[k] < ' ' || line[k] > '~' ? '?' : line[k];
	shown[k] = '\0';
	die("%s: line %llu: %s: '%s%s'", f->name, (unsigned long long)f->line, what, shown,
	    k < n ? "..." : "");
}

static bool ends_in_number(const char *line, size_t n)
{
	size_t digits = 0;

	while (digits < n && line[n - 1 - digits] >= '0' && line[n - 1 - digits] <= '9')
		digits++;
	return digits && digits < n && line[n - 1 - digits] == ' ';
}

/* The count behind the last blank; *n becomes the size of the stack before it. */
static uint64_t take_count(const struct folded *f, const char *line, size_t *n)
{
	const char *blank = memrchr(line, ' ', *n), *end = line + *n;
	uint64_t count = 0;

	if (!blank || blank + 1 == end)
		bad_line(f, line, *n, "no count at its end (folded lines are 'main;load;parse 4096')");
	for (const char *p = blank + 1; p < end; p++) {
		if (*p < '0' || *p > '9')
			bad_line(f, line, *n, "no whole number at its end (folded lines are 'main;load;parse 4096')");
		count = count * 10 + (uint64_t)(*p - '0');
		if (count > LARGEST_AMOUNT)
			bad_line(f, line, *n, "the count is beyond 2^53");
	}
	if (blank == line)
		bad_line(f, line, *n, "no stack before the count");
	*n = (size_t)(blank - line);
	return count;
}

/* How many frames this stack has in common with the line before. */
static size_t common_steps(const struct folded *f, const char *stack, size_t n)
{
	size_t same = 0, most = n < f->previous_size ? n : f->previous_size, k = 0;

	while (same + 16 <= most && memcmp(stack + same, f->previous + same, 16) == 0)
		same += 16;
	while (same < most && stack[same] == f->previous[same])
		same++;
	/* A frame is common if its label's end is, too: what follows it must be a ';' or the end in both. */
	while (k < f->n_steps) {
		size_t end = f->steps[k].end;
		if (end > same || (end < n && stack[end] != ';'))
			break;
		k++;
	}
	return k;
}

static void keep_line(struct folded *f, const char *stack, size_t n)
{
	GROW(f->previous, n, f->previous_cap);
	memcpy(f->previous, stack, n);
	f->previous_size = n;
}

static void take_line_of(struct folded *f, const char *line, size_t n)
{
	size_t size = n;
	uint64_t count = take_count(f, line, &size), before = count;

	/* memdiff's lines have two: before and after. */
	if (!f->begun)
		f->tree->difference = ends_in_number(line, size);
	f->begun = true;
	if (f->tree->difference) {
		if (!ends_in_number(line, size))
			bad_line(f, line, n, "one number only, where the lines before have two (before and after)");
		before = take_count(f, line, &size);
	}

	size_t k = common_steps(f, line, size);
	uint32_t node = k ? f->steps[k - 1].node : 0;
	for (size_t start = k ? f->steps[k - 1].end + 1 : 0; start <= size;) {
		const char *semicolon = memchr(line + start, ';', size - start);
		size_t end = semicolon ? (size_t)(semicolon - line) : size;
		node = tree_child(f->tree, node, place_of_label(f, line + start, end - start));
		GROW(f->steps, k, f->cap_steps);
		f->steps[k++] = (struct step){ node, end };
		start = end + 1;
	}
	f->n_steps = k;
	keep_line(f, line, size);
	if (!tree_add(f->tree, node, before, f->tree->difference ? count : 0))
		bad_line(f, line, n, "the sum of the counts goes beyond 2^53 here");
}

void folded_read(FILE *in, const char *name, struct tree *t)
{
	struct folded f = { .name = name, .tree = t };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	strings_init(&f.labels);
	GROW(f.place_of, 0, f.cap_places);
	f.place_of[0] = 0;
	while ((n = getline(&line, &cap, in)) > 0) {
		f.line++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		if (n)
			take_line_of(&f, line, (size_t)n);
	}
	if (ferror(in))
		die("%s: %s", name, strerror(errno));

	free(line);
	free(f.place_of);
	free(f.previous);
	free(f.steps);
	strings_clear(&f.labels);
}
