/*
 * places.h - allocations by line and by module
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
 * Returns the allocations of n stacks (at: their amounts) by the line of the innermost
 * Python frame, or of the innermost frame if there is none.
 */
struct places places_lines(const struct stacks *s, const struct amount *at, uint32_t n);
/* The same by module: the top-level package nearest to the allocation, outside the standard library; else "<root>". */
struct places places_modules(const struct stacks *s, const struct amount *at, uint32_t n);
void places_free(struct places *p);

/* Sort the largest first, equal ones by name. */
void places_sort_by_size(struct places *p);
void places_sort_by_count(struct places *p);

#endif
