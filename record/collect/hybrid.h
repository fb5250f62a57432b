/*
 * hybrid.h - the C stacks of one process, merged with its Python stacks
 */
#ifndef HYBRID_H
#define HYBRID_H

#include <stdbool.h>
#include <sys/types.h>

#include "output.h"
#include "symbols/symbols.h"
#include "wire.h"

struct hybrid;

/* exe: the program's path, "" if not known; it is copied. */
struct hybrid *hybrid_new(struct output *out, struct symbols *symbols, pid_t pid, const char *exe);
void hybrid_free(struct hybrid *h);

/* An interpreter was found. counted: native nodes carry their number of Python frames (WIRE_PYTHON_RUNS). */
void hybrid_python(struct hybrid *h, bool counted);

/*
 * WIRE_MODULE. The bytes after the head are path and build id, possibly
 * truncated. Returns the object with its name for the trace.
 */
const struct object *hybrid_module(struct hybrid *h, const struct wire_module *m, const uint8_t *bytes, size_t size);

/* WIRE_EPOCH: from now on, nodes have larger numbers than this. Those of the last epoch remain known. */
void hybrid_epoch(struct hybrid *h, uint32_t first);

/* WIRE_NATIVE: `what` as in the slot. The parent is 0 for outermost frames. */
void hybrid_native(struct hybrid *h, uint32_t id, uint32_t parent, uint64_t what);

/*
 * WIRE_NODE: a Python stack in the agent's numbers; its newest frame is the trace's (0: none, the same stack as
 * its parent's). The trace gets it only merged with a C stack, or if hybrid_stack_alone() is called.
 */
void hybrid_python_node(struct hybrid *h, uint32_t id, uint32_t parent, uint32_t frame);

/*
 * Returns the stack in the trace of a native node merged with a Python node (0:
 * none). Resolves and defines functions that are new.
 */
uint32_t hybrid_stack(struct hybrid *h, uint32_t native, uint32_t node);

/* Returns the stack in the trace of a native or Python node alone, also of the last epoch; 0: there is none. */
uint32_t hybrid_stack_alone(struct hybrid *h, uint32_t node);

#endif
