/*
 * types.h - the types of a CPython in another process: which addresses are types, and what they are called
 *
 * Everything read is checked, as the memory may be damaged, or made to deceive: each pointer may lead nowhere, each
 * chain may be a circle.
 *
 * Memory: 80 bytes for each type that was found, and for up to 65536 addresses that are none.
 */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"
#include "layouts.h"
#include "remote.h"
#include "texts.h"

/* What an object of a type owns that is allocated apart from it. */
enum owner { OWNS_NOTHING, OWNS_LIST, OWNS_DICT, OWNS_SET, OWNS_STR, OWNS_BYTEARRAY, OWNS_ARRAY, OWNS_DEQUE,
	OWNS_NDARRAY, OWNS_TYPE };

/* Tables and buffers that belong to an object. */
enum part { PART_OBJECT, PART_ITEMS, PART_KEYS, PART_VALUES, PART_TABLE, PART_BUFFER, PART_TEXT, PART_BLOCK,
	PART_DIMENSIONS, N_PARTS };

struct type {
	uint64_t addr, flags, base;
	int64_t basic_size, item_size;
	uint32_t optional;		/* bytes at the end that an object may lack */
	uint32_t prefix;		/* bytes from the beginning of a block to the object */
	enum owner owner;
	uint32_t labels[N_PARTS];	/* in `texts`; 0: not used yet */
};

struct types {
	const struct heap_layout *layout;
	struct remote *remote;
	uint64_t type_type;
	struct texts *texts;
	struct type **at;
	uint32_t n;
	size_t cap;
	struct index index;
	uint64_t *not_types;		/* by hash: addresses that are none, the newest of each */
};

/*
 * Returns false if the layout of this release ("3.11.2") is not known, or type_type (PyType_Type) is 0. The caller
 * keeps the remote and the texts.
 */
bool types_init(struct types *t, const char *release, uint64_t type_type, struct remote *remote, struct texts *texts);
void types_clear(struct types *t);

/* Returns the type at an address; NULL: there is none. Valid until types_clear(). */
struct type *types_at(struct types *t, uint64_t addr);
/* Returns the label of a part of its objects: "collections.deque", "list [items]". */
uint32_t types_label(struct types *t, struct type *type, enum part part);

#endif
