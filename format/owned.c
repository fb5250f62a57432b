/*
 * owned.c - find the live blocks of a process when it ends
 */
#include "owned.h"

#include <stdlib.h>

#include "xmalloc.h"

#define FIRST_CHECK 64		/* shorter lists are not checked */

uint64_t owned_patience = 16u << 20;

static struct owned_ids *ids_of(struct owned *o, uint32_t pid)
{
	uint32_t *n = pids_number(&o->by_pid, pid);

	if (*n == PIDS_NONE) {
		GROW(o->of, o->n, o->cap);
		*n = (uint32_t)o->n++;
		o->of[*n] = (struct owned_ids){ .pid = pid };
	}
	return &o->of[*n];
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void owned_sort(uint32_t *at, size_t n)
{
	if (n > 1)
		qsort(at, n, sizeof *at, by_number);
}

/* Removes ids that are not live, belong to another process, or are listed twice. */
static void check(const struct owned *o, struct owned_ids *of)
{
	size_t n = 0;
	struct block b;

	owned_sort(of->ids, of->n);
	for (size_t i = 0; i < of->n; i++)
		if ((i == 0 || of->ids[i] != of->ids[i - 1]) && live_find(o->live, of->ids[i], &b) &&
		    o->pid_of(o->arg, &b) == of->pid)
			of->ids[n++] = of->ids[i];
	of->n = of->checked = n;
}

void owned_add(struct owned *o, uint32_t pid, uint32_t id)
{
	struct owned_ids *of = ids_of(o, pid);

	if (of->n >= FIRST_CHECK && of->n >= 2 * of->checked)
		check(o, of);
	GROW(of->ids, of->n, of->cap);
	of->ids[of->n++] = id;
}

bool owned_instead_of_walk(struct owned *o)
{
	struct block b;
	uint32_t id;

	if (owned_kept(o))
		return true;
	o->walked += live_count(o->live);
	if (o->walked < owned_patience)
		return false;
	GROW(o->of, 0, o->cap);
	for (size_t cursor = 0; live_each(o->live, &cursor, &id, &b);)
		owned_add(o, o->pid_of(o->arg, &b), id);
	return true;
}

uint32_t *owned_take(struct owned *o, uint32_t pid, size_t *n)
{
	struct owned_ids *of = ids_of(o, pid);
	uint32_t *ids = of->ids;

	check(o, of);
	*n = of->n;
	*of = (struct owned_ids){ .pid = pid };
	return ids;
}

void owned_clear(struct owned *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->of[i].ids);
	free(o->of);
	pids_clear(&o->by_pid);
	*o = (struct owned){ o->live, o->pid_of, o->arg, .walked = 0 };
}
