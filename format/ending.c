/*
 * ending.c - the processes whose interpreters have begun to shut down
 */
#include "ending.h"

#include <stdlib.h>

#include "provenance.h"
#include "xmalloc.h"

static size_t find(const struct ending *e, uint32_t pid)
{
	size_t i = 0;

	while (i < e->n && e->pids[i] != pid)
		i++;
	return i;
}

bool ending_find(const struct ending *e, uint32_t pid)
{
	return find(e, pid) < e->n;
}

void ending_begin(struct ending *e, const struct mt_header *h)
{
	e->n = 0;
	e->answer = provenance_is_answer(h);
}

bool ending_take(struct ending *e, const struct mt_event *ev)
{
	size_t i = find(e, ev->pid);

	switch (ev->kind) {
	case MT_PROCESS:
		if (e->answer || i < e->n || !mt_info_int(ev->info, "finalizing", 0))
			return false;
		GROW(e->pids, e->n, e->cap);
		e->pids[e->n++] = ev->pid;
		return true;
	case MT_EXIT:
		if (i < e->n)
			e->pids[i] = e->pids[--e->n];
		return false;
	default:
		return false;
	}
}

void ending_clear(struct ending *e)
{
	free(e->pids);
	*e = (struct ending){ 0 };
}
