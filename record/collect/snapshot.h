/*
 * snapshot.h - a census of a process: reads from its copy what each live block is, and writes that
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "process.h"

/* Takes the record WIRE_CENSUS, and ends the copy that it announces. */
void snapshot_take(struct process *p, const struct wire_slot *s);

#endif
