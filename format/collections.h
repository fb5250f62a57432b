/*
 * collections.h - which threads run Python's collector of cycles, so that what they free is garbage that it found
 */
#ifndef COLLECTIONS_H
#define COLLECTIONS_H

#include "memtrace.h"

struct collecting_thread {
	uint32_t pid, tid;
};

/* Starts all zero. */
struct collections {
	struct collecting_thread *threads;
	size_t n, cap;
	bool watched;		/* at least one process of any trace so far has such rows */
};

/* Takes MT_COLLECTION, MT_PROCESS, MT_EXIT and MT_HEADER; ignores other kinds. Exits if out of memory. */
void collections_take(struct collections *c, const struct mt_event *ev);
void collections_clear(struct collections *c);

bool collections_has(const struct collections *c, uint32_t pid, uint32_t tid);
/* Returns whether the collector of cycles made this MT_FREE. */
static inline bool collections_made(const struct collections *c, const struct mt_event *ev)
{
	return c->n && collections_has(c, ev->pid, ev->tid);
}

#endif
