/*
 * collections.c - which threads run Python's collector of cycles
 */
#include "collections.h"

#include <stdlib.h>

#include "xmalloc.h"

void collections_clear(struct collections *c)
{
	free(c->threads);
	*c = (struct collections){ 0 };
}

static size_t find(const struct collections *c, uint32_t pid, uint32_t tid)
{
	size_t i = 0;

	while (i < c->n && (c->threads[i].pid != pid || c->threads[i].tid != tid))
		i++;
	return i;
}

bool collections_has(const struct collections *c, uint32_t pid, uint32_t tid)
{
	return find(c, pid, tid) < c->n;
}

static void take_collection(struct collections *c, const struct mt_event *ev)
{
	size_t i = find(c, ev->pid, ev->tid);

	if (ev->count && i == c->n) {
		GROW(c->threads, c->n, c->cap);
		c->threads[c->n++] = (struct collecting_thread){ ev->pid, ev->tid };
	} else if (!ev->count && i < c->n) {
		c->threads[i] = c->threads[--c->n];
	}
}

static void end_process(struct collections *c, uint32_t pid)
{
	for (size_t i = c->n; i-- > 0;)
		if (c->threads[i].pid == pid)
			c->threads[i] = c->threads[--c->n];
}

void collections_take(struct collections *c, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_COLLECTION:
		take_collection(c, ev);
		break;
	case MT_PROCESS:
		c->watched = c->watched || mt_info_int(ev->info, "collections", 0);
		break;
	case MT_EXIT:
		end_process(c, ev->pid);
		break;
	case MT_HEADER:
		c->n = 0;
		break;
	default:
		break;
	}
}
