/*
 * idset.c - a set of allocation ids, one bit each
 *
 * The bits are in leaves, which are allocated when first needed and freed when
 * empty. One array points to them; calloc() does not touch its pages, so those
 * never written take no memory.
 */
#include "idset.h"

#include <stdlib.h>

#include "xmalloc.h"

#define LEAF_BITS 12	/* of an id: 4096 ids, 512 bytes */
#define LEAVES ((size_t)1 << (32 - LEAF_BITS))
#define WORDS (1u << (LEAF_BITS - 6))

struct leaf {
	uint64_t words[WORDS];
	uint32_t n;		/* ids in it */
};

struct idset {
	struct leaf **leaves;
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

/* Returns the pointer to an id's leaf; *leaf is NULL if the leaf is empty. */
static struct leaf **leaf_of(const struct idset *s, uint32_t id)
{
	return &s->leaves[id >> LEAF_BITS];
}

static uint64_t *word_of(struct leaf *leaf, uint32_t id)
{
	return &leaf->words[(id >> 6) & (WORDS - 1)];
}

void idset_add(struct idset *s, uint32_t id)
{
	struct leaf **leaf = leaf_of(s, id);

	if (!*leaf)
		*leaf = xcalloc(1, sizeof **leaf);
	uint64_t *word = word_of(*leaf, id);
	(*leaf)->n += !(*word & bit_of(id));
	*word |= bit_of(id);
}

bool idset_remove(struct idset *s, uint32_t id)
{
	struct leaf **leaf = leaf_of(s, id);

	if (!*leaf || !(*word_of(*leaf, id) & bit_of(id)))
		return false;
	*word_of(*leaf, id) &= ~bit_of(id);
	if (--(*leaf)->n == 0) {
		free(*leaf);
		*leaf = NULL;
	}
	return true;
}

bool idset_has(const struct idset *s, uint32_t id)
{
	struct leaf *leaf = *leaf_of(s, id);

	return leaf && (*word_of(leaf, id) & bit_of(id));
}

void idset_clear(struct idset *s)
{
	for (size_t i = 0; i < LEAVES; i++)
		if (s->leaves[i]) {
			free(s->leaves[i]);
			s->leaves[i] = NULL;
		}
}
