/*
 * page.c - the page around the packed tree: template, style, scripts, and a table for browsers without scripts
 *
 * page.html is the document; each @NAME@ in it is replaced.
 */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "tool.h"
#include "units.h"
#include "xmalloc.h"

struct asset {
	const char *start, *end;
};

#define ASSET(name) extern const char _binary_##name##_start[], _binary_##name##_end[]
ASSET(page_html);
ASSET(flame_css);
ASSET(text_js);
ASSET(frames_js);
ASSET(data_js);
ASSET(sums_js);
ASSET(tree_js);
ASSET(search_js);
ASSET(layout_js);
ASSET(palette_js);
ASSET(paint_js);
ASSET(link_js);
ASSET(panel_js);
ASSET(time_js);
ASSET(tables_js);
ASSET(details_js);
ASSET(export_js);
ASSET(keys_js);
ASSET(pointer_js);
ASSET(main_js);
ASSET(figures_js);
ASSET(start_js);
#define BYTES_OF(name) { _binary_##name##_start, _binary_##name##_end }

static const struct asset page_html = BYTES_OF(page_html), flame_css = BYTES_OF(flame_css);
/* Each script uses only those before it when it is loaded. */
static const struct asset scripts[] = {
	BYTES_OF(text_js), BYTES_OF(frames_js), BYTES_OF(data_js), BYTES_OF(sums_js),
	BYTES_OF(tree_js), BYTES_OF(search_js), BYTES_OF(layout_js), BYTES_OF(palette_js),
	BYTES_OF(paint_js), BYTES_OF(link_js), BYTES_OF(panel_js), BYTES_OF(time_js), BYTES_OF(tables_js),
	BYTES_OF(details_js), BYTES_OF(export_js), BYTES_OF(keys_js), BYTES_OF(pointer_js),
	BYTES_OF(main_js), BYTES_OF(figures_js), BYTES_OF(start_js),
};

static void write_asset(struct asset a, FILE *out)
{
	fwrite(a.start, 1, (size_t)(a.end - a.start), out);
}

/* Returns the character at p if it changes the direction of text (U+202A to U+202E, U+2066 to U+2069); else 0. */
static unsigned override_at(const char *p, size_t n)
{
	if (n < 3 || (unsigned char)p[0] != 0xe2)
		return 0;
	unsigned c = 0x2000 | ((unsigned char)p[1] & 0x3fu) << 6 | ((unsigned char)p[2] & 0x3fu);
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ? c : 0;
}

void page_text(const char *p, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned c = override_at(p + i, n - i);
		if (c) {
			fprintf(out, "\\u%x", c);
			i += 2;
			continue;
		}
		switch (p[i]) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\'': fputs("&#39;", out); break;
		default: putc((unsigned char)p[i] < ' ' || p[i] == 0x7f ? ' ' : p[i], out);
		}
	}
}

/* ---------------------------------------------------------------- the table of places */

#define TOP 20

struct held {
	uint64_t bytes, count;		/* as a node's */
};

static struct held *held_by_place(const struct tree *t)
{
	struct held *held = xcalloc(t->n_places, sizeof *held);

	for (uint32_t i = 0; i < calltree_count(t->calls); i++) {
		const struct call *call = calltree_call(t->calls, i);
		held[call->label].bytes += call->own[OWN_BYTES];
		held[call->label].count += call->own[OWN_COUNT];
	}
	return held;
}

/* The table is sorted by this: bytes, or their change. */
static uint64_t rank(const struct tree *t, const struct held *h)
{
	if (!t->difference)
		return h->bytes;
	return h->count > h->bytes ? h->count - h->bytes : h->bytes - h->count;
}

static void write_place(const struct tree *t, const struct place *place, FILE *out)
{
	struct mt_str name = texts_text(&t->text, place->name), file = texts_text(&t->text, place->file);

	page_text(name.p, name.n, out);
	if (file.n) {
		fputs(" (", out);
		page_text(file.p, file.n, out);
		if (place->line)
			fprintf(out, ":%u", place->line);
		putc(')', out);
	}
}

/* Writes "12.500MB", or "12,345" of another unit. */
static void write_amount(const struct page *page, uint64_t amount, FILE *out)
{
	char size[SIZE_TEXT], count[28];

	fputs(strcmp(page->unit, "bytes") == 0 ? size_text(amount, size) : count_text(amount, count), out);
}

/* Writes "+1.500kB", "-3B", "0B". */
static void write_change(const struct page *page, uint64_t before, uint64_t after, FILE *out)
{
	if (before != after)
		putc(after > before ? '+' : '-', out);
	write_amount(page, after > before ? after - before : before - after, out);
}

static void write_row(const struct tree *t, const struct page *page, const struct held *h, FILE *out)
{
	if (!t->difference) {
		write_amount(page, h->bytes, out);
		fprintf(out, "</td><td>%.2f", 100.0 * (double)h->bytes / (double)t->bytes);
		return;
	}
	write_change(page, h->bytes, h->count, out);
	fputs("</td><td>", out);
	write_amount(page, h->bytes, out);
	fputs("</td><td>", out);
	write_amount(page, h->count, out);
}

static void write_table(const struct tree *t, const struct page *page, FILE *out)
{
	struct held *held = held_by_place(t);

	fputs("<table><thead><tr><th>", out);
	page_text(page->unit, strlen(page->unit), out);
	fputs(t->difference ? " more</th><th>before</th><th>after" : "</th><th>%", out);
	fputs("</th><th>function (file:line)</th></tr></thead><tbody>\n", out);
	for (int row = 0; row < TOP; row++) {
		uint32_t most = 0;
		for (uint32_t i = 0; i < t->n_places; i++)
			if (rank(t, &held[i]) > rank(t, &held[most]))
				most = i;
		if (!rank(t, &held[most]))
			break;
		fputs("<tr><td>", out);
		write_row(t, page, &held[most], out);
		fputs("</td><td>", out);
		write_place(t, &t->places[most], out);
		fputs("</td></tr>\n", out);
		held[most] = (struct held){ 0 };
	}
	fputs("</tbody></table>", out);
	free(held);
}

/* Writes "600B in all. …" above the table. */
static void write_total(const struct tree *t, const struct page *page, FILE *out)
{
	write_amount(page, t->bytes, out);
	if (!t->difference) {
		fputs(" in all. The graph needs JavaScript; these places hold the most:", out);
		return;
	}
	fputs(" before, ", out);
	write_amount(page, t->count, out);
	fputs(" after. The graph needs JavaScript; these places changed the most:", out);
}

/* ---------------------------------------------------------------- the template */

static void write_title(const struct page *page, FILE *out)
{
	if (page->command[0]) {
		page_text(page->command, strlen(page->command), out);
		fputs(": ", out);
	}
	page_text(page->title, strlen(page->title), out);
}

static void write_warnings(const struct page *page, FILE *out)
{
	for (size_t i = 0; i < page->n_warnings; i++) {
		fputs("<p><strong>", out);
		page_text(page->warnings[i], strlen(page->warnings[i]), out);
		fputs("</strong></p>", out);
	}
}

static void write_part(const char *name, size_t n, const struct tree *t, const struct page *page, FILE *out)
{
	if (n == 5 && memcmp(name, "TITLE", n) == 0)
		write_title(page, out);
	else if (n == 7 && memcmp(name, "VERSION", n) == 0)
		fputs(MEMREC_VERSION, out);
	else if (n == 5 && memcmp(name, "STYLE", n) == 0)
		write_asset(flame_css, out);
	else if (n == 5 && memcmp(name, "TOTAL", n) == 0)
		write_total(t, page, out);
	else if (n == 8 && memcmp(name, "WARNINGS", n) == 0)
		write_warnings(page, out);
	else if (n == 5 && memcmp(name, "TABLE", n) == 0)
		write_table(t, page, out);
	else if (n == 4 && memcmp(name, "DATA", n) == 0)
		pack(t, page, out);
	else if (n == 5 && memcmp(name, "FIRST", n) == 0)
		pack_first(t, page, out);
	else if (n == 6 && memcmp(name, "SCRIPT", n) == 0)
		for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
			write_asset(scripts[i], out);
	else
		BUG("page.html wants @%.*s@", (int)n, name);
}

void page_write(const struct tree *t, const struct page *page, FILE *out)
{
	const char *p = page_html.start, *end = page_html.end;

	for (;;) {
		const char *at = memchr(p, '@', (size_t)(end - p));
		const char *close = at ? memchr(at + 1, '@', (size_t)(end - at - 1)) : NULL;
		if (!close)
			break;
		fwrite(p, 1, (size_t)(at - p), out);
		write_part(at + 1, (size_t)(close - at - 1), t, page, out);
		p = close + 1;
	}
	fwrite(p, 1, (size_t)(end - p), out);
}
