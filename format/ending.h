/*
 * ending.h - the processes whose interpreters have begun to shut down
 *
 * The rules, for each process alone:
 *
 * - A block that is live when the shutdown begins is leaked, even if the interpreter frees it: what it frees then
 *   it frees only because the program has ended (memray stops tracking before that).
 * - A block made during the shutdown is neither leaked nor part of the high-water mark: both describe the program.
 *   It counts among all allocations.
 *
 * In an answer (provenance.h) neither applies: its blocks are the answer, wherever they are in the trace.
 */
#ifndef ENDING_H
#define ENDING_H

#include "memtrace.h"

/* Starts all zero. */
struct ending {
	uint32_t *pids;
	size_t n, cap;
	bool answer;
};

/* Begins a trace with this header. */
void ending_begin(struct ending *e, const struct mt_header *h);
/*
 * Takes MT_PROCESS and MT_EXIT. Returns true if this event says that the interpreter
 * of process ev->pid begins to shut down: the blocks live now have leaked.
 */
bool ending_take(struct ending *e, const struct mt_event *ev);
bool ending_find(const struct ending *e, uint32_t pid);
/* Returns whether the process is shutting down and has not ended, so that a block made now is in neither result. */
static inline bool ending_has(const struct ending *e, uint32_t pid)
{
	return e->n && ending_find(e, pid);
}
void ending_clear(struct ending *e);

#endif
