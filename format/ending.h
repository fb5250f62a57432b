/*
 * ending.h - which processes' interpreters have begun to end
 *
 * An interpreter that ends frees what its modules hold: what a program kept
 * until then is leaked by any useful meaning of the word, freed or not. So leaks
 * are told as of that moment (which memray's are too: its tracking stops before).
 */
#ifndef ENDING_H
#define ENDING_H

#include "memtrace.h"

/* Starts all zero. */
struct ending {
	uint32_t *pids;
	size_t n, cap;
};

/*
 * Take MT_PROCESS, MT_EXIT and MT_HEADER. True: with this event the interpreter
 * of process ev->pid begins to end: what is open in it is leaked.
 */
bool ending_take(struct ending *e, const struct mt_event *ev);
/* Whether it has begun, in a process that has not ended yet: what is made now is no leak. */
bool ending_has(const struct ending *e, uint32_t pid);
void ending_clear(struct ending *e);

#endif
