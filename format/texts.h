/*
 * texts.h - texts by number, each kept once
 *
 * Texts are numbered in the order they first occur; 0 is the empty text. A text may
 * contain any bytes. A copy of each is kept, with a 0 after it; copies do not move.
 *
 * Memory: each text once, and 32 to 56 bytes.
 */
#ifndef TEXTS_H
#define TEXTS_H

#include "index.h"
#include "memtrace.h"

struct text_chunk;

/* All zero: the empty text only. */
struct texts {
	struct mt_str *at;		/* from number 1 on */
	uint32_t n;
	size_t cap;
	struct index index;
	struct text_chunk *chunks;	/* where the copies are, the last one first */
	size_t chunk_used;
};

/* Returns the number of these n bytes. Exits if out of memory. */
uint32_t texts_number(struct texts *t, const char *p, size_t n);
void texts_clear(struct texts *t);

extern const struct mt_str text_empty;

static inline struct mt_str texts_text(const struct texts *t, uint32_t number)
{
	return number ? t->at[number - 1] : text_empty;
}

/* Returns the number of texts, including the empty one. */
static inline uint32_t texts_count(const struct texts *t)
{
	return t->n + 1;
}

/* Returns the copy of these n bytes, valid until texts_clear(). */
static inline const char *texts_keep(struct texts *t, const char *p, size_t n)
{
	return texts_text(t, texts_number(t, p, n)).p;
}

#endif
