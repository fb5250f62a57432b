/*
 * idset.c - a set of allocation ids, a bit each
 *
 * The bits are in leaves made when first needed, under one array of pointers:
 * calloc() leaves the array's untouched pages to the kernel's zero page.
 */
#include "idset.h"

#include <stdlib.h>

#include "xmalloc.h"

#define LEAF_BITS 12	/* of an id: 4096 ids, 512 bytes */
#define LEAVES ((size_t)1 << (32 - LEAF_BITS))
#define WORDS (1u << (LEAF_BITS - 6))

struct idset {
	uint64_t **leaves;
};

struct idset *idset_new(void)
{
	struct idset *s = xcalloc(1, sizeof *s);

	s->leaves = xcalloc(LEAVES, sizeof *s->leaves);
	return s;
}

void idset_free(struct idset *s)
{
	if (!s)
		return;
	idset_clear(s);
	free(s->leaves);
	free(s);
}

static uint64_t bit_of(uint32_t id)
{
	return UINT64_C(1) << (id & 63);
}

/* The word of an id's bit; NULL: its leaf was never needed. */
static uint64_t *word_of(const struct idset *s, uint32_t id)
{
	uint64_t *leaf = s->leaves[id >> LEAF_BITS];

	return leaf ? &leaf[(id >> 6) & (WORDS - 1)] : NULL;
}

void idset_add(struct idset *s, uint32_t id)
{
	uint64_t **leaf = &s->leaves[id >> LEAF_BITS];

	if (!*leaf)
		*leaf = xcalloc(WORDS, sizeof **leaf);
	*word_of(s, id) |= bit_of(id);
}

bool idset_remove(struct idset *s, uint32_t id)
{
	uint64_t *word = word_of(s, id);

	if (!word || !(*word & bit_of(id)))
		return false;
	*word &= ~bit_of(id);
	return true;
}

bool idset_has(const struct idset *s, uint32_t id)
{
	const uint64_t *word = word_of(s, id);

	return word && (*word & bit_of(id));
}

void idset_clear(struct idset *s)
{
	for (size_t i = 0; i < LEAVES; i++)
		if (s->leaves[i]) {
			free(s->leaves[i]);
			s->leaves[i] = NULL;
		}
}
