/*
 * pids.c - map a pid to a number chosen by the caller, such as an index
 */
#include "pids.h"

#include <stdlib.h>

#include "xmalloc.h"

static bool is_pid(const void *at, uint32_t n, const void *pid)
{
	return ((const struct pids_entry *)at)[n].pid == *(const uint32_t *)pid;
}

uint32_t *pids_number(struct pids *p, uint32_t pid)
{
	if (p->last < p->n && p->at[p->last].pid == pid)
		return &p->at[p->last].number;
	p->last = index_put(&p->index, index_hash(pid, 0), is_pid, p->at, &pid, (uint32_t)p->n);
	if (p->last == p->n) {
		GROW(p->at, p->n, p->cap);
		p->at[p->n++] = (struct pids_entry){ pid, PIDS_NONE };
	}
	return &p->at[p->last].number;
}

void pids_clear(struct pids *p)
{
	free(p->at);
	index_clear(&p->index);
	*p = (struct pids){ .n = 0 };
}
