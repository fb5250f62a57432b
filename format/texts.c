/*
 * texts.c - texts by number, each kept once
 */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define CHUNK_BYTES (64u << 10)

struct text_chunk {
	struct text_chunk *next;
	char bytes[];
};

/* Shared by all tables, so that equal texts of a table always have equal addresses. */
const struct mt_str text_empty = { "", 0 };

static char *chunk_take(struct texts *t, size_t n)
{
	if (!t->chunks || n > CHUNK_BYTES - t->chunk_used) {
		struct text_chunk *c = xmalloc(sizeof *c + (n > CHUNK_BYTES ? n : CHUNK_BYTES));
		c->next = t->chunks;
		t->chunks = c;
		t->chunk_used = 0;
	}
	char *p = t->chunks->bytes + t->chunk_used;
	t->chunk_used = n > CHUNK_BYTES ? CHUNK_BYTES : t->chunk_used + n;
	return p;
}

static bool holds(const void *texts, uint32_t n, const void *key)
{
	const struct mt_str *text = (const struct mt_str *)texts + n, *wanted = key;

	return text->n == wanted->n && memcmp(text->p, wanted->p, wanted->n) == 0;
}

uint32_t texts_number(struct texts *t, const char *p, size_t n)
{
	struct mt_str key = { p, n };

	if (n == 0)
		return 0;
	uint32_t number = index_put(&t->index, index_hash_bytes(p, n), holds, t->at, &key, t->n);
	if (number < t->n)
		return number + 1;

	char *copy = chunk_take(t, n + 1);
	memcpy(copy, p, n);
	copy[n] = '\0';
	GROW(t->at, (size_t)t->n, t->cap);
	t->at[t->n] = (struct mt_str){ copy, n };
	return ++t->n;
}

void texts_clear(struct texts *t)
{
	while (t->chunks) {
		struct text_chunk *c = t->chunks;
		t->chunks = c->next;
		free(c);
	}
	index_clear(&t->index);
	free(t->at);
	*t = (struct texts){ 0 };
}
