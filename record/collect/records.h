/*
 * records.h - what the records of a process's ring mean: applied to what is alive in it, and put into the trace
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "process.h"

/* The tables of what is alive, of threads, code objects and stacks. */
void records_init(struct process *p);
void records_clear(struct process *p);

/* Apply the record at `ticket`; the number of slots it took. */
uint64_t record_take(struct process *p, const struct wire_slot *s, uint64_t ticket);

/* No agent writes such a record: say so, and believe nothing of this process any more. */
void records_refuse(struct process *p, const char *what);

/* The kernel's name of a thread: told when first seen, and when it changed. */
void thread_name(struct process *p, struct traced_thread *t);

#endif
