/*
 * keys.c - who allocates where: threads, stacks and allocators, numbered together
 */
#include "keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "xmalloc.h"

static bool same(const struct who *a, const struct who *b)
{
	return a->stack == b->stack && a->thread == b->thread && a->allocator == b->allocator;
}

static uint32_t *slot_of(struct keys *k, const struct who *who)
{
	uint64_t h = who->stack * UINT64_C(0x9e3779b97f4a7c15) ^ ((uint64_t)who->thread << 5 | who->allocator) * UINT64_C(0xff51afd7ed558ccd);
	size_t i = (size_t)(h >> 32) & (k->n_slots - 1);

	while (k->slots[i] && !same(&k->at[k->slots[i] - 1], who))
		i = (i + 1) & (k->n_slots - 1);
	return &k->slots[i];
}

static void grow_slots(struct keys *k)
{
	free(k->slots);
	k->n_slots = k->n_slots ? 2 * k->n_slots : 1024;
	k->slots = xcalloc(k->n_slots, sizeof *k->slots);
	for (size_t i = 0; i < k->n; i++)
		*slot_of(k, &k->at[i]) = (uint32_t)i + 1;
}

static uint32_t find(struct keys *k, const struct who *who)
{
	if (2 * (k->n + 1) > k->n_slots)
		grow_slots(k);
	uint32_t *slot = slot_of(k, who);
	if (!*slot) {
		if (k->n == UINT32_MAX - 1)
			die("more than 4 billion different stacks");
		GROW(k->at, k->n, k->cap);
		k->at[k->n++] = *who;
		*slot = (uint32_t)k->n;
	}
	return *slot - 1;
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

void keys_clear(struct keys *k)
{
	free(k->at);
	free(k->slots);
	free(k->last);
	*k = (struct keys){ 0 };
}
