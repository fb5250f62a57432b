/*
 * census.h - what each live block of a process is, read from its memory
 *
 * A block is an object if there is a type at the place where the header of such a block would have it, for which it
 * would be there: the type's own flags say how many words precede an object. Its size and reference count must fit,
 * too. Tables and buffers that belong to an object are named after it. Everything else has no label: none is better
 * than a wrong one.
 *
 * Memory: that of the types (types.h), and a window of 256 KiB.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "texts.h"

struct census_block {
	uint64_t addr, size;
	uint32_t id;
	uint32_t label;		/* in the texts; 0: not known */
};

/* As a label: the block may have come after the copy, so what is at its address is something else. */
#define CENSUS_UNSETTLED UINT32_MAX

/* A reference to the block at an address; label: what the reference is called. */
struct census_reference {
	uint64_t to;
	uint32_t label;		/* 0: nothing */
};

#define CENSUS_NAME(text) (2 * (text))		/* of an attribute, or a variable: a text */
#define CENSUS_INDEX(index) (2 * (index) + 1)	/* in a list or tuple */

/* Memory that is no block, in which references to blocks are looked for. */
struct census_range {
	uint64_t start, end;
	const char *name;	/* the caller's; not used here */
};

struct census_source {
	int memory;		/* of /proc/PID/mem */
	const char *release;	/* of its Python, "3.11.2" */
	uint64_t type_type;	/* the address of PyType_Type */
	/* Called every few thousand blocks, so that others need not wait; may be NULL. */
	void (*keep_up)(void *arg);
	/*
	 * Called with references of the block at an address, in order of these addresses, then with those in root
	 * number `root`, where n_roots are the frames of running threads. Several calls may be for the same one.
	 * NULL: they are not looked for.
	 */
	void (*refer)(void *arg, uint64_t from, const struct census_reference *r, size_t n);
	void (*root)(void *arg, size_t root, const struct census_reference *r, size_t n);
	const struct census_range *roots;
	size_t n_roots;
	void *arg;
};

/* Sorts the blocks by address. No two may overlap. */
void census_sort(struct census_block *blocks, size_t n);
/*
 * Sets the label of each of the sorted blocks that is 0, then looks for references. Returns false, and does nothing, if
 * the release is unknown.
 */
bool census_name(struct census_block *blocks, size_t n, const struct census_source *from, struct texts *labels);

#endif
