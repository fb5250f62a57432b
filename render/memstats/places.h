/*
 * places.h - allocations by the line and by the module that made them
 */
#ifndef PLACES_H
#define PLACES_H

#include "peak.h"
#include "stacks.h"

struct place {
	char *name;		/* "function:file:line", or a module; "[unknown]" */
	struct amount all;
};

struct places {
	struct place *at;
	size_t n;
};

/*
 * at: what was allocated per stack number, n of them. Lines: of the innermost
 * Python frame, or of the innermost frame where there is none.
 */
struct places places_lines(const struct stacks *s, const struct amount *at, uint32_t n);
/* Modules: the top-level package nearest to the allocation that is not the standard library's, else "<root>". */
struct places places_modules(const struct stacks *s, const struct amount *at, uint32_t n);
void places_free(struct places *p);

/* Largest first; ties by name. */
void places_sort_by_size(struct places *p);
void places_sort_by_count(struct places *p);

#endif
