/*
 * idset.c - a set of allocation ids, one bit each
 *
 * The bits are in leaves, which are allocated when first needed and freed when
 * empty. One array points to them; it grows to the largest id.
 */
#include "idset.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define LEAF_BITS 12	/* of an id: 4096 ids, 512 bytes */
#define FEWEST_LEAVES 64
#define WORDS (1u << (LEAF_BITS - 6))

struct leaf {
	uint64_t words[WORDS];
	uint32_t n;		/* ids in it */
};

struct idset {
	struct leaf **leaves;
	size_t n_leaves;	/* a power of two, or 0 */
};

struct idset *idset_new(void)
{
	return xcalloc(1, sizeof(struct idset));
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

/* Returns the pointer to an id's leaf, or NULL beyond the array; *leaf is NULL if the leaf is empty. */
static struct leaf **leaf_of(const struct idset *s, uint32_t id)
{
	size_t i = id >> LEAF_BITS;
	return i < s->n_leaves ? &s->leaves[i] : NULL;
}

/* Makes room for the leaf of an id. */
static void grow(struct idset *s, uint32_t id)
{
	size_t n = s->n_leaves ? s->n_leaves : FEWEST_LEAVES;
	while (n <= id >> LEAF_BITS)
		n *= 2;
	s->leaves = xreallocarray(s->leaves, n, sizeof *s->leaves);
	memset(s->leaves + s->n_leaves, 0, (n - s->n_leaves) * sizeof *s->leaves);
	s->n_leaves = n;
}

static uint64_t *word_of(struct leaf *leaf, uint32_t id)
{
	return &leaf->words[(id >> 6) & (WORDS - 1)];
}

void idset_add(struct idset *s, uint32_t id)
{
	struct leaf **leaf = leaf_of(s, id);

	if (!leaf) {
		grow(s, id);
		leaf = leaf_of(s, id);
	}
	if (!*leaf)
		*leaf = xcalloc(1, sizeof **leaf);
	uint64_t *word = word_of(*leaf, id);
	(*leaf)->n += !(*word & bit_of(id));
	*word |= bit_of(id);
}

bool idset_remove(struct idset *s, uint32_t id)
{
	struct leaf **leaf = leaf_of(s, id);

	if (!leaf || !*leaf || !(*word_of(*leaf, id) & bit_of(id)))
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
	struct leaf **leaf = leaf_of(s, id);

	return leaf && *leaf && (*word_of(*leaf, id) & bit_of(id));
}

void idset_clear(struct idset *s)
{
	for (size_t i = 0; i < s->n_leaves; i++)
		if (s->leaves[i]) {
			free(s->leaves[i]);
			s->leaves[i] = NULL;
		}
}
