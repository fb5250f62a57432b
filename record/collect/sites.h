/*
 * sites.h - the code addresses of one process, and the functions there
 *
 * An address is resolved when it is first needed: most addresses that an agent reports never are.
 */
#ifndef SITES_H
#define SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "index.h"
#include "output.h"
#include "symbols/symbols.h"
#include "wire.h"

/*
 * A function and line, the trace's frame for them once it is used, and whether the function only calls others.
 */
struct resolved {
	uint32_t function, line, frame;
	bool calls, calls_here;		/* in any object; only in the interpreter's object */
};

/* A code address, and after resolving its functions, innermost (inlined) first. */
struct site {
	struct object *object;		/* NULL: in no object */
	uint64_t address;		/* in the object's file */
	uint32_t first, n;		/* in places; n == 0: not resolved yet */
	bool evaluator;			/* by its name */
	bool bridge, bridge_end;	/* in ctypes or libffi; in libffi */
	bool nameless;			/* no symbol covers it */
	bool beginning;			/* a greenlet's stack begins here: older frames are not its own */
};

struct sites {
	struct output *out;
	struct symbols *symbols;	/* of all processes */
	pid_t pid;
	char *exe;
	struct mapped_object *modules;	/* sorted, not overlapping */
	size_t n_modules, cap_modules;
	struct site *at;		/* from 1 */
	uint32_t n;
	size_t cap;
	struct index index;		/* by object and address */
	struct resolved *places;	/* the functions of the sites that are resolved */
	size_t n_places, cap_places;
};

/* exe: the program's path, "" if not known; it is copied. */
void sites_begin(struct sites *s, struct output *out, struct symbols *symbols, pid_t pid, const char *exe);
void sites_clear(struct sites *s);

/*
 * WIRE_MODULE. The bytes after the head are path and build id, possibly
 * truncated. Returns the object with its name for the trace.
 */
const struct object *sites_module(struct sites *s, const struct wire_module *m, const uint8_t *bytes, size_t size);

/* Returns the number of the site at a code address, a new one if need be: its index in `at`. */
uint32_t sites_number(struct sites *s, uint64_t pc);

/* Sets the functions of a site that has none yet. */
void sites_resolve(struct sites *s, struct site *site);

#endif
