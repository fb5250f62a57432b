/*
 * memrows.c - one row for each block, for data frames and databases
 *
 * In:    a trace (stdin or files)
 * Out:   rows, as comma-separated values or JSON lines: each block when it ends, or
 *        at the end each stack with its sums
 * Keeps: the live blocks, the stacks, a text for each place (memrows/places.h)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "error.h"
#include "memrows/blocks.h"
#include "memrows/out.h"
#include "memrows/places.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_BY = 256, KEY_CSV, KEY_JSON, KEY_TEXTS, KEY_PARQUET, KEY_ARROW };

static const struct tool_option options[] = {
	{ "by", KEY_BY, "WHAT", "a row for each block (the default) or stack" },
	{ "csv", KEY_CSV, NULL, "print comma-separated values (the default)" },
	{ "json", KEY_JSON, NULL, "print a JSON object on each line instead" },
	{ "texts", KEY_TEXTS, "FILE", "write all texts to FILE, each once, and only their numbers to rows" },
	{ "parquet", KEY_PARQUET, NULL, "of 'python3 -m memrec rows': write a Parquet file" },
	{ "arrow", KEY_ARROW, NULL, "of 'python3 -m memrec rows': write an Arrow IPC stream" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memrows",
	.summary = "one row for each block, for data frames and databases",
	.operands = "[TRACE...]",
	.example = "memcat trace.lz4 | memrows > blocks.csv",
	.options = options,
};

/* Without the texts, `born` can be calculated from start_ms. */
#define BLOCK_NAMES(born) "size,allocations,bytes," born "born_ms,died_ms,lifetime_ms,fate,freed"
#define STACK_NAMES "allocations,bytes,leaked_allocations,leaked_bytes,largest,first_ms,last_ms,mean_lifetime_ms"

/* The sums of a place. */
struct sums {
	struct amount all, leaked;
	uint64_t largest, first_ms, last_ms;
	uint64_t died, lifetimes_ms;	/* allocations that died, and the sum of their lifetimes */
};

struct rows {
	struct places *places;
	struct out *out;
	bool has_texts;		/* they go to a file of their own */
	struct sums *sums;
	size_t n, cap;
};

/* ---------------------------------------------------------------- a row for each block */

static uint64_t lifetime_ms(const struct ended_block *b)
{
	return b->died_ms > b->born_ms ? b->died_ms - b->born_ms : 0;
}

static void put_block(void *rows, const struct ended_block *b)
{
	static const char *const fates[] = { "freed", "leaked", "shutdown", "exec" };
	const struct rows *r = rows;
	struct out *o = r->out;
	uint64_t start_ms = places_start_ms(r->places, b->place);

	out_number(o, "size", b->size);
	out_number(o, "allocations", b->part ? 0 : b->weight);
	out_number(o, "bytes", amount_of(b->size, b->weight).bytes);
	if (!r->has_texts)
		out_time(o, "born", start_ms ? start_ms + b->born_ms : 0);
	out_number(o, "born_ms", b->born_ms);
	if (b->has_died) {
		out_number(o, "died_ms", b->died_ms);
		out_number(o, "lifetime_ms", lifetime_ms(b));
	} else {
		out_null(o, "died_ms");
		out_null(o, "lifetime_ms");
	}
	if (b->fate == FATE_UNKNOWN) {
		out_null(o, "fate");
		out_null(o, "freed");
	} else {
		out_word(o, "fate", fates[b->fate]);
		out_bool(o, "freed", b->freed);
	}
	out_place(o, b->place);
}

/* ---------------------------------------------------------------- a row for each stack */

static void add_block(void *rows, const struct ended_block *b)
{
	struct rows *r = rows;

	while (r->n <= b->place) {
		GROW(r->sums, r->n, r->cap);
		r->sums[r->n++] = (struct sums){ .first_ms = UINT64_MAX };
	}
	struct sums *s = &r->sums[b->place];
	struct amount amount = amount_of(b->size, b->weight);
	if (b->part)
		amount.count = 0;
	amount_add(&s->all, amount);
	if (b->fate == FATE_LEAKED)
		amount_add_part(&s->leaked, amount);
	s->largest = b->size > s->largest ? b->size : s->largest;
	s->first_ms = b->born_ms < s->first_ms ? b->born_ms : s->first_ms;
	s->last_ms = b->born_ms > s->last_ms ? b->born_ms : s->last_ms;
	if (b->has_died) {
		s->died += amount.count;
		s->lifetimes_ms += amount.count * lifetime_ms(b);
	}
}

static void put_stacks(const struct rows *r)
{
	struct out *o = r->out;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct sums *s = &r->sums[i];
		if (s->first_ms == UINT64_MAX)
			continue;
		out_number(o, "allocations", s->all.count);
		out_number(o, "bytes", s->all.bytes);
		out_number(o, "leaked_allocations", s->leaked.count);
		out_number(o, "leaked_bytes", s->leaked.bytes);
		out_number(o, "largest", s->largest);
		out_number(o, "first_ms", s->first_ms);
		out_number(o, "last_ms", s->last_ms);
		if (s->died)
			out_number(o, "mean_lifetime_ms", s->lifetimes_ms / s->died);
		else
			out_null(o, "mean_lifetime_ms");
		out_place(o, i);
	}
}

/* ---------------------------------------------------------------- the command */

static void flush(void *out)
{
	out_flush(out);
}

static bool by_stack(const char *text)
{
	if (strcmp(text, "stack") != 0 && strcmp(text, "block") != 0)
		usage_die("--by: '%s' is not block or stack", text);
	return text[0] == 's';
}

static FILE *open_texts(const char *path)
{
	FILE *texts = fopen(path, "we");

	if (!texts)
		die("%s: cannot be created: %s", path, strerror(errno));
	return texts;
}

static void read_rows(struct mt_in *in, struct rows *r, bool stack)
{
	struct blocks *blocks = blocks_new(mt_in_header(in), stack ? add_block : put_block, r);
	struct mt_event ev;

	while (mt_next(in, &ev) > 0) {
		const struct mt_header *h = mt_in_header(in);
		if (ev.kind == MT_ALLOC) {
			blocks_alloc(blocks, &ev, places_number(r->places, &ev, h));
		} else {
			blocks_take(blocks, &ev, h);
			if (ev.kind != MT_FREE)
				places_take(r->places, &ev);
		}
	}
	blocks_end(blocks);
	blocks_free(blocks);
}

int main(int argc, char **argv)
{
	bool stack = false, csv = false, json = false;
	const char *texts_path = NULL;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1;)
		switch (key) {
		case KEY_BY: stack = by_stack(optarg); break;
		case KEY_CSV: csv = true; break;
		case KEY_JSON: json = true; break;
		case KEY_TEXTS: texts_path = optarg; break;
		case KEY_PARQUET:
		case KEY_ARROW:
			usage_die("Parquet and Arrow are written by 'python3 -m memrec rows' (it needs pyarrow)");
		}
	if (csv + json > 1)
		usage_die("give only one of --csv and --json");
	if (json && texts_path)
		usage_die("give only one of --json and --texts");
	struct mt_in *in = tool_input(argc, argv);
	mt_in_memory_only(in);
	FILE *texts = texts_path ? open_texts(texts_path) : NULL;
	struct rows r = { .places = places_new(json ? PLACES_JSON : PLACES_CSV, stack), .has_texts = texts != NULL };
	r.out = out_new(r.places, json, texts, stack ? STACK_NAMES : texts ? BLOCK_NAMES("") : BLOCK_NAMES("born,"));
	mt_in_on_idle(in, flush, r.out);
	read_rows(in, &r, stack);
	if (stack)
		put_stacks(&r);
	out_end(r.out);
	if (texts && fclose(texts) != 0)
		die("%s: cannot be written: %s", texts_path, strerror(errno));
	places_close(r.places);
	free(r.sums);
	return tool_finish(in, NULL);
}
