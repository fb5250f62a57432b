/*
 * ending.h - the processes whose interpreters have begun to shut down
 *
 * An interpreter that shuts down frees what its modules hold: what a program
 * kept until then is leaked by any useful definition, even if it is freed. So
 * leaks are determined at that moment (as memray's are: its tracking stops before).
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
 * Give it MT_PROCESS, MT_EXIT and MT_HEADER. Returns true if with this event the
 * interpreter of process ev->pid begins to shut down: its live blocks are leaked.
 */
bool ending_take(struct ending *e, const struct mt_event *ev);
/* Returns whether it has begun, in a process that has not ended yet: what is allocated now is not a leak. */
bool ending_has(const struct ending *e, uint32_t pid);
void ending_clear(struct ending *e);

#endif
