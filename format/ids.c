/*
 * ids.c - number allocations
 */
#include "ids.h"

#include <stdlib.h>

#include "error.h"
#include "xmalloc.h"

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void ids_hold(struct ids *ids, uint32_t id)
{
	GROW(ids->held, ids->n, ids->cap);
	ids->held[ids->n++] = id;
}

/* Starts again at 1. */
static void begin_round(struct ids *ids)
{
	ids->last = 0;
	ids->n = ids->next = 0;
	ids->holder(ids->arg);
	if (ids->n == UINT32_MAX)
		die("more than %lu allocations are open at once", (unsigned long)UINT32_MAX);
	qsort(ids->held, ids->n, sizeof *ids->held, by_number);
}

void ids_look(struct ids *ids)
{
	if (ids->last == UINT32_MAX)
		begin_round(ids);
	while (ids->next < ids->n && ids->held[ids->next] <= ids->last + 1) {
		ids->last = ids->held[ids->next++];
		if (ids->last == UINT32_MAX)
			begin_round(ids);
	}
	ids->stop = ids->next < ids->n ? ids->held[ids->next] - 1 : UINT32_MAX;
}

void ids_clear(struct ids *ids)
{
	free(ids->held);
	ids->held = NULL;
	ids->n = ids->cap = ids->next = 0;
}
