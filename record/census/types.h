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
	OWNS_NDARRAY, OWNS_TYPE, REFERS_WEAKLY, IS_MODULE, HAS_FRAME };

/* Tables and buffers that belong to an object. */
enum part { PART_OBJECT, PART_ITEMS, PART_KEYS, PART_VALUES, PART_TABLE, PART_BUFFER, PART_TEXT, PART_BLOCK,
	PART_DIMENSIONS, N_PARTS };

struct type {
	uint64_t addr, flags, base;
	int64_t basic_size, item_size;
	uint32_t optional;		/* bytes at the end that an object may lack */
	uint32_t prefix;		/* bytes from the beginning of a block to the object */
	enum owner owner;
	int64_t weak;			/* where an object has its weak references; <= 0: nowhere */
	uint32_t number;		/* of this type, from 0 on */
	uint32_t *names;		/* n_names, of the attributes in an object's values */
	uint32_t n_names;
	bool named;			/* they were looked for */
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

/* How a str is stored. */
struct str_state {
	bool valid, compact, ascii, interned;
	uint32_t kind;		/* bytes of a letter */
	uint64_t letters;	/* where a compact str has them */
};

struct str_state types_str_state(const struct heap_layout *o, uint32_t state);
/* Returns where a class has the address of its shared keys. */
uint64_t types_keys_at(const struct types *t, uint64_t type);

/* The entries of a dict's keys: where, how many, the bytes of each, where in it its key is; the value follows. */
struct dict_entries {
	uint64_t at;
	uint32_t n, size, key;
};

bool types_entries(const struct types *t, uint64_t keys, struct dict_entries *e);
/*
 * Returns the text, in `texts`, of a str that is the name of something: interned, and an identifier. 0: it is not.
 * Other text of the program is none of a trace's.
 */
uint32_t types_identifier(struct types *t, uint64_t str);
/* Returns the name of the module at an address, likewise; 0: it has none of identifiers with dots between. */
uint32_t types_module_name(struct types *t, uint64_t module);
/* Fills in the type's names. */
void types_name_values(struct types *t, struct type *type);

#endif
