/*
 * index.c - find entries of a table by content: open addressing, linear probing
 */
#include "index.h"

#include <string.h>

#include "error.h"
#include "xmalloc.h"

#define FIRST_SLOTS 64

uint64_t index_hash_bytes(const char *p, size_t n)
{
	uint64_t h = n, word;
	size_t i = 0;

	for (; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, p + i, sizeof word);
		h = index_hash(h, word);
	}
	word = 0;
	memcpy(&word, p + i, n - i);
	return index_hash(h, word);
}

void index_grow(struct index *ix)
{
	struct index_slot *old = ix->slots;
	size_t old_cap = ix->cap;

	if (old_cap > UINT32_MAX)
		die("more than 2 billion different entries in one table");
	ix->cap = old_cap ? 2 * old_cap : FIRST_SLOTS;
	ix->slots = xtable_new(ix->cap, sizeof *ix->slots);
	for (size_t k = 0; k < old_cap; k++) {
		size_t i = old[k].hash & (ix->cap - 1);
		if (old[k].number == 0)
			continue;
		while (ix->slots[i].number)
			i = (i + 1) & (ix->cap - 1);
		ix->slots[i] = old[k];
	}
	table_free(old, old_cap, sizeof *old);
}

void index_clear(struct index *ix)
{
	table_free(ix->slots, ix->cap, sizeof *ix->slots);
	*ix = (struct index){ 0 };
}
