/*
 * records.h - applies the records of a ring to the live blocks and mappings of its process, and to the trace
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "process.h"

/* The tables of live blocks, threads, code objects and stacks. */
void records_init(struct process *p);
void records_clear(struct process *p);

/* Applies the record at `ticket` and returns the number of slots it takes. */
uint64_t record_take(struct process *p, const struct wire_slot *s, uint64_t ticket);

#endif
