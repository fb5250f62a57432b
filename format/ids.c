/*
 * ids.c - giving out the ids of allocations
 */
#include "ids.h"

#include <stdlib.h>

#include "xmalloc.h"

uint32_t ids_take(struct ids *ids)
{
	return ids->n ? ids->freed[--ids->n] : ids->next++;
}

void ids_give_back(struct ids *ids, uint32_t id)
{
	GROW(ids->freed, ids->n, ids->cap);
	ids->freed[ids->n++] = id;
}

void ids_clear(struct ids *ids)
{
	free(ids->freed);
	*ids = (struct ids){ 0 };
}
