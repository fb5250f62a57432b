/*
 * pages.h - which pages of a process are resident
 */
#ifndef PAGES_H
#define PAGES_H

#include "process.h"

/*
 * Writes which anonymous pages `copy`, a copy of the process, has in memory, as rows of MT_PAGES. Pages of files and
 * shared memory are left out: a copy need not have them. What cannot be read is left out, too.
 */
void pages_put(struct process *p, pid_t copy, uint64_t time_ms);

#endif
