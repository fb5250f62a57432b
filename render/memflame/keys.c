/*
 * keys.c - numbers for combinations of thread, stack and allocator
 */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

static bool same(const struct who *a, const struct who *b)
{
	return a->stack == b->stack && a->thread == b->thread && a->allocator == b->allocator && a->phase == b->phase;
}

static bool holds(const void *at, uint32_t n, const void *key)
{
	return same((const struct who *)at + n, key);
}

static uint32_t find(struct keys *k, const struct who *who)
{
	uint64_t hash = index_hash(index_hash(who->stack, who->thread), who->allocator | (uint32_t)who->phase << 16);
	uint32_t n = index_put(&k->index, hash, holds, k->at, who, k->n);

	if (n == k->n) {
		GROW(k->at, (size_t)n, k->cap);
		k->at[k->n++] = *who;
	}
	return n;
}

uint32_t keys_number(struct keys *k, struct who who)
{
	if (who.stack >= k->n_last) {
		GROW(k->last, (size_t)who.stack, k->cap_last);
		memset(k->last + k->n_last, 0, ((size_t)who.stack + 1 - k->n_last) * sizeof *k->last);
		k->n_last = (size_t)who.stack + 1;
	}
	uint32_t last = k->last[who.stack];
	if (last && same(&k->at[last - 1], &who))
		return last - 1;
	uint32_t number = find(k, &who);
	k->last[who.stack] = number + 1;
	return number;
}

void keys_close(struct keys *k)
{
	index_clear(&k->index);
	free(k->last);
	k->last = NULL;
	k->n_last = k->cap_last = 0;
}

void keys_clear(struct keys *k)
{
	keys_close(k);
	free(k->at);
	*k = (struct keys){ 0 };
}
