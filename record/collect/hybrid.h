/*
 * hybrid.h - one process's C stacks, and the merging of them with Python stacks
 */
#ifndef HYBRID_H
#define HYBRID_H

#include <stdbool.h>
#include <sys/types.h>

#include "output.h"
#include "symbols/symbols.h"
#include "wire.h"

struct hybrid;

/* exe: the program's path, "" if not known; copied. */
struct hybrid *hybrid_new(struct output *out, struct symbols *symbols, pid_t pid, const char *exe);
void hybrid_free(struct hybrid *h);

/* An interpreter was found; counted: native nodes carry how many Python frames they run (WIRE_PYTHON_RUNS). */
void hybrid_python(struct hybrid *h, bool counted);

/*
 * WIRE_MODULE. The bytes behind the head are path and build id, as far as they
 * were not cut off. Returns the object as the trace is to name it.
 */
const struct object *hybrid_module(struct hybrid *h, const struct wire_module *m, const uint8_t *bytes, size_t size);

/* WIRE_NATIVE: `what` as in the slot. */
void hybrid_native(struct hybrid *h, uint32_t id, uint32_t parent, uint64_t what);

/*
 * WIRE_NODE: a Python stack by the agent's numbers, its newest frame the trace's (0: none, the same stack as
 * its parent's). It becomes part of the trace as what it is merged with; few are asked for alone.
 */
void hybrid_python_node(struct hybrid *h, uint32_t id, uint32_t parent, uint32_t frame);

/* The stack, in the trace, of a Python node alone. 0: there is none. */
uint32_t hybrid_python_stack(struct hybrid *h, uint32_t node);

/*
 * The stack, in the trace, of a native node merged with a Python node (0:
 * none). Functions not met before are resolved and defined.
 */
uint32_t hybrid_stack(struct hybrid *h, uint32_t native, uint32_t node);

/* Whether there is such a native node. */
bool hybrid_is_native(const struct hybrid *h, uint32_t node);

#endif
