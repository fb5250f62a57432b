/*
 * mappings.h - applies the records of mmap, munmap, mremap and mprotect to a process's mappings (regions.h)
 *
 * A mapping that loses a part shrinks, or becomes two. A call is recorded before it is made if others could get the
 * addresses meanwhile; if it then fails, what it took is put back.
 */
#ifndef MAPPINGS_H
#define MAPPINGS_H

#include "process.h"

/* WIRE_MMAP and its other kinds, WIRE_ARENA, and WIRE_MREMAP, which ends what began with mappings_remap_begin(). */
void mappings_map(struct process *p, const struct wire_slot *s);
/* WIRE_UNMAP, and WIRE_UNMAP_FAILED after it. */
void mappings_unmap(struct process *p, const struct wire_slot *s);
void mappings_unmap_failed(struct process *p, const struct wire_slot *s);
/* WIRE_REMAP_BEGIN, and WIRE_REMAP_FAILED after it. */
void mappings_remap_begin(struct process *p, const struct wire_slot *s);
void mappings_remap_failed(struct process *p, const struct wire_slot *s);
/* WIRE_PROTECT: a reservation becomes usable; WIRE_PROTECT_NONE: the other way round. */
void mappings_protect(struct process *p, const struct wire_slot *s);

#endif
