/*
 * svg.c - draw the first view of the page as a picture, for documents
 */
#include "svg.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "package.h"
#include "page.h"
#include "units.h"
#include "xmalloc.h"

#define ROW 18
#define HEAD 26
#define LETTER 7.2		/* average width in the font */
#define THINNEST 0.5
#define DEEPEST 400		/* rows */

/* ---------------------------------------------------------------- hidden frames */

static const struct call *call_of(const struct tree *t, uint32_t node)
{
	return calltree_call(t->calls, node);
}

static const struct place *place_of(const struct tree *t, uint32_t node)
{
	return &t->places[call_of(t, node)->label];
}

/* Returns a tree without hidden frames: their callees become children of their callers. */
static struct tree shown(const struct tree *t, const struct page *page)
{
	bool *hidden = hidden_nodes(t, page->processes);
	uint32_t *node_of = xcalloc(calltree_count(t->calls), sizeof *node_of);
	struct tree s;

	tree_init(&s);
	s.difference = t->difference;
	for (uint32_t i = 1; i < t->n_places; i++)		/* 0 is the root's in both */
		tree_place(&s, &t->places[i]);
	for (uint32_t i = 0; i < calltree_count(t->calls); i++) {
		const struct call *call = call_of(t, i);
		if (i)
			node_of[i] = hidden[i]
					 ? node_of[call->parent]
					 : calltree_child(s.calls, node_of[call->parent], call->label);
		if (!tree_add(&s, node_of[i], call->own[OWN_BYTES], call->own[OWN_COUNT]))
			BUG("a part is larger than the whole");
	}
	free(node_of);
	free(hidden);
	return s;
}

/* ---------------------------------------------------------------- whose code */

static const char own_fill[] = "#ffd43b", stdlib_fill[] = "#cdd9e5", other_fill[] = "#dde2e8";
static const char *const package_fills[] = { "#a9d2f7", "#ee9482", "#b4ead0", "#b9a4ee",
					     "#e8e3a0", "#71c4cc", "#f5bfe0", "#b6c26a" };
#define FILLS (sizeof package_fills / sizeof *package_fills)

/* The packages with a colour of their own: their texts, by falling memory. */
struct packages {
	uint32_t text[FILLS];
	size_t n;
};

static bool is_distribution(const struct tree *t, uint32_t package)
{
	struct mt_str name = texts_text(&t->text, package);

	return !memchr(name.p, ' ', name.n);
}

/* Ranks packages by the memory that the code of each allocates itself. */
static struct packages packages_of(const struct tree *text, const struct tree *s)
{
	uint32_t n = texts_count(&text->text);
	uint64_t *bytes = xcalloc(n, sizeof *bytes);
	struct packages p = { 0 };

	for (uint32_t i = 1; i < calltree_count(s->calls); i++)
		if (is_distribution(text, place_of(s, i)->package))
			bytes[place_of(s, i)->package] += call_of(s, i)->own[OWN_BYTES];
	while (p.n < FILLS) {
		uint32_t most = 0;
		for (uint32_t i = 0; i < n; i++)
			if (bytes[i] > bytes[most])
				most = i;
		if (!bytes[most])
			break;
		p.text[p.n++] = most;
		bytes[most] = 0;
	}
	free(bytes);
	return p;
}

static const char *fill_of(const struct packages *packages, const struct tree *text, const struct place *place)
{
	const char *name = texts_text(&text->text, place->package).p;

	for (size_t i = 0; i < packages->n; i++)
		if (packages->text[i] == place->package)
			return package_fills[i];
	return strcmp(name, PACKAGE_OWN) == 0 ? own_fill : strcmp(name, PACKAGE_STDLIB) == 0 ? stdlib_fill : other_fill;
}

/* For a difference: orange grew, blue shrank; stronger for a larger part of the whole, as in the page. */
static const char *change_fill(uint64_t before, uint64_t after, uint64_t whole)
{
	static const char *const grew[] = { "#fddcc4", "#fbbf94", "#f9a264", "#f78534" }, *const shrank[] = {
		"#d0e3fb", "#abcff8", "#86baf4", "#61a6f1"
	};
	double part = (double)(after > before ? after - before : before - after) / (double)(whole ? whole : 1);
	int step = part < 0.02 ? 0 : part < 0.08 ? 1 : part < 0.25 ? 2 : 3;

	if (part < 0.005)
		return "#e4e7eb";
	return after > before ? grew[step] : shrank[step];
}

/* ---------------------------------------------------------------- the picture */

struct drawing {
	const struct tree *text, *s;
	const struct page *page;
	struct packages packages;
	uint64_t *bytes, *count;	/* per node, including its descendants */
	double *x, *wide;
	FILE *out;
};

static void write_amount(const struct drawing *d, uint64_t amount)
{
	char size[SIZE_TEXT], count[28];

	fputs(strcmp(d->page->unit, "bytes") == 0 ? size_text(amount, size) : count_text(amount, count), d->out);
}

static void write_figures(const struct drawing *d, uint32_t node)
{
	write_amount(d, d->bytes[node]);
	if (d->s->difference) {
		fputs(" before, ", d->out);
		write_amount(d, d->count[node]);
		fputs(" after", d->out);
		return;
	}
	fprintf(d->out, ", %.2f %%", 100.0 * (double)d->bytes[node] / (double)(d->bytes[0] ? d->bytes[0] : 1));
}

/* Returns the number of bytes, at most n, of whole characters that fit. */
static size_t fitting(const char *p, size_t n, double wide)
{
	size_t most = wide < 3 * LETTER ? 0 : (size_t)((wide - 6) / LETTER);

	if (n <= most)
		return n;
	while (most > 0 && (p[most] & 0xc0) == 0x80)
		most--;
	return most;
}

static void write_box(const struct drawing *d, uint32_t node, uint32_t depth)
{
	const struct place *place = place_of(d->s, node);
	uint64_t whole = d->count[0] > d->bytes[0] ? d->count[0] : d->bytes[0];
	const char *fill = node == 0	      ? other_fill
			   : d->s->difference ? change_fill(d->bytes[node], d->count[node], whole)
					      : fill_of(&d->packages, d->text, place);
	struct mt_str name = texts_text(node ? &d->text->text : &d->s->text, place->name);
	struct mt_str file = texts_text(&d->text->text, node ? place->file : 0);
	unsigned y = HEAD + depth * ROW;

	/* "<module>" says little: show its file instead. */
	bool is_module = name.n == 8 && memcmp(name.p, "<module>", 8) == 0 && file.n;
	const char *slash = is_module ? memrchr(file.p, '/', file.n) : NULL;
	const char *label = !is_module ? name.p : slash ? slash + 1 : file.p;
	size_t label_n = is_module ? (size_t)(file.p + file.n - label) : name.n;
	size_t fits = fitting(label, label_n, d->wide[node]);
	if (fits < label_n)		/* leave room for the dots */
		fits = fitting(label, label_n, d->wide[node] - LETTER);

	fprintf(d->out, "<g><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/><title>", d->x[node], y,
		d->wide[node] > 2 ? d->wide[node] - 0.7 : d->wide[node], ROW - 1, fill);
	page_text(name.p, name.n, d->out);
	if (file.n) {
		fputs(" (", d->out);
		page_text(file.p, file.n, d->out);
		fprintf(d->out, place->line ? ":%u)" : ")", place->line);
	}
	fputs("\n", d->out);
	write_figures(d, node);
	fputs("</title>", d->out);
	if (fits) {
		fprintf(d->out, "<text x=\"%.2f\" y=\"%u\">", d->x[node] + 3, y + 13);
		page_text(label, fits, d->out);
		fputs(fits < label_n ? "…</text>" : "</text>", d->out);
	}
	fputs("</g>\n", d->out);
}

/* Sums up the amounts and computes widths; in a difference, by the larger side of each stack. */
static void measure(struct drawing *d, const struct tree_order *order)
{
	const struct tree *s = d->s;
	double *next = xcalloc(calltree_count(s->calls), sizeof *next);

	for (uint32_t i = 0; i < calltree_count(s->calls); i++) {
		const uint64_t *own = call_of(s, i)->own;
		d->bytes[i] = own[OWN_BYTES];
		d->count[i] = own[OWN_COUNT];
		d->wide[i] =
		    (double)(s->difference && own[OWN_COUNT] > own[OWN_BYTES] ? own[OWN_COUNT] : own[OWN_BYTES]);
	}
	for (uint32_t i = calltree_count(s->calls) - 1; i > 0; i--) {
		d->bytes[call_of(s, i)->parent] += d->bytes[i];
		d->count[call_of(s, i)->parent] += d->count[i];
		d->wide[call_of(s, i)->parent] += d->wide[i];
	}
	double scale = d->wide[0] > 0 ? d->page->width / d->wide[0] : 0;
	for (uint32_t k = 0; k < calltree_count(s->calls); k++) {
		uint32_t i = order->nodes[k];
		d->wide[i] *= scale;
		d->x[i] = next[i] = i ? next[call_of(s, i)->parent] : 0;
		if (i)
			next[call_of(s, i)->parent] += d->wide[i];
	}
	free(next);
}

static uint32_t deepest(const struct drawing *d, const struct tree_order *order)
{
	uint32_t rows = 0;

	for (uint32_t k = 0; k < calltree_count(d->s->calls); k++)
		if (d->wide[order->nodes[k]] >= THINNEST && order->depth[k] < DEEPEST && order->depth[k] > rows)
			rows = order->depth[k];
	return rows + 1;
}

#define FIGURES_LETTERS 14	/* of ": 123.456MB · " */
#define DIFFERENCE_LETTERS 36	/* of ": 123.456MB before, 123.456MB after" */

/* "alive at the high-water mark: 12.3MB · python3 app.py", cut to the width. */
static void write_heading(const struct drawing *d)
{
	const char *title = d->page->title, *command = d->page->command;
	double wide = d->page->width - LETTER * (d->s->difference ? DIFFERENCE_LETTERS : FIGURES_LETTERS);
	size_t n = fitting(title, strlen(title), wide);
	double rest = wide - (double)n * LETTER;

	page_text(title, n, d->out);
	fputs(n < strlen(title) ? "…: " : ": ", d->out);
	if (d->s->difference)
		write_figures(d, 0);
	else
		write_amount(d, d->bytes[0]);
	n = fitting(command, strlen(command), rest);
	if (n) {
		fputs(" · ", d->out);
		page_text(command, n, d->out);
		fputs(n < strlen(command) ? "…" : "", d->out);
	}
}

static void draw(const struct drawing *d, const struct tree_order *order)
{
	unsigned height = HEAD + deepest(d, order) * ROW;

	fprintf(d->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" "
		"font-family=\"ui-monospace, "
		"Menlo, Consolas, monospace\" font-size=\"12\" fill=\"#12161b\">\n<rect width=\"100%%\" "
		"height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"3\" y=\"17\" font-weight=\"bold\">",
		d->page->width, height, d->page->width, height);
	write_heading(d);
	fputs("</text>\n", d->out);
	for (uint32_t k = 0; k < calltree_count(d->s->calls); k++) {
		uint32_t i = order->nodes[k];
		if (d->wide[i] >= THINNEST && order->depth[k] < DEEPEST)
			write_box(d, i, order->depth[k]);
	}
	fputs("</svg>\n", d->out);
}

void svg_write(const struct tree *t, const struct page *page, FILE *out)
{
	struct tree s = shown(t, page);
	struct drawing d = {
		.text = t,
		.s = &s,
		.page = page,
		.packages = packages_of(t, &s),
		.bytes = xcalloc(calltree_count(s.calls), sizeof *d.bytes),
		.count = xcalloc(calltree_count(s.calls), sizeof *d.count),
		.x = xcalloc(calltree_count(s.calls), sizeof *d.x),
		.wide = xcalloc(calltree_count(s.calls), sizeof *d.wide),
		.out = out,
	};
	struct tree_order order = tree_order(&s);

	measure(&d, &order);
	draw(&d, &order);
	free(order.nodes);
	free(order.depth);
	free(d.bytes);
	free(d.count);
	free(d.x);
	free(d.wide);
	tree_clear(&s);
}
