/*
 * families.h - the allocators whose functions are hooked at their entries: their names, and the hooks
 */
#ifndef FAMILIES_H
#define FAMILIES_H

#include <stdbool.h>
#include <stdint.h>

/* A hooked function. Its arguments are passed on as they are: at most four, all of them integers or pointers. */
struct function {
	void *(*real)(uintptr_t, uintptr_t, uintptr_t, uintptr_t);
	const struct function *quiet;	/* of an operator new that throws: the one that does not */
	uint8_t kind;			/* of its allocations */
};

#define ARGUMENTS uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, const struct function *f

struct entry {
	const char *name;	/* after the family's prefix; NULL ends a list */
	void *(*hook)(ARGUMENTS);
	const char *quiet;	/* before this one in the list */
	uint8_t kind;		/* 0: the family's */
};

struct family {
	const char *prefix;
	const struct entry *entries;
	uint8_t kind;
	bool replaces;		/* only in the object whose malloc replaces the C library's */
};

#define N_FAMILIES 5
extern const struct family families[N_FAMILIES] __attribute__((visibility("hidden")));

/* Whether the function frees a block. */
bool entry_releases(const struct entry *e);

#endif
