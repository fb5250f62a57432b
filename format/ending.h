/*
 * ending.h - the processes whose interpreters have begun to shut down
 *
 * An interpreter that shuts down frees whatever its modules hold. Memory that
 * a program kept until then has leaked by any useful definition, even if it is
 * freed now. So leaks are determined at that moment (as in memray, which stops
 * tracking before it).
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
 * Takes MT_PROCESS, MT_EXIT and MT_HEADER. Returns true if this event says that the interpreter
 * of process ev->pid begins to shut down: the blocks live now have leaked.
 */
bool ending_take(struct ending *e, const struct mt_event *ev);
/* Returns whether the process is shutting down and has not ended: blocks allocated from now on are not leaks. */
bool ending_has(const struct ending *e, uint32_t pid);
void ending_clear(struct ending *e);

#endif
