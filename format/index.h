/*
 * index.h - find entries of a table by content: a hash index
 *
 * The table is the caller's array, of at most 2^31 entries; entries are never
 * removed. The index stores their numbers by the hash of their keys, and calls a
 * function of the caller to compare an entry with a key. It stores the hashes too,
 * so that it rarely compares more than the right entry, and none when it grows.
 *
 * Memory: 16 to 32 bytes an entry.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
	uint32_t hash, number;	/* number + 1; 0: free */
};

/* All zero: empty. */
struct index {
	struct index_slot *slots;
	size_t cap;		/* 0 or a power of 2, at most 2^32; at most half of them are used */
	size_t used;
};

#define INDEX_NONE UINT32_MAX

/* Returns whether entry n of the table holds the key. */
typedef bool index_holds(const void *table, uint32_t n, const void *key);

/* Returns a hash of two numbers, or of a hash so far and the next number. Equal keys must have equal hashes. */
static inline uint64_t index_hash(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Returns a hash of n bytes. */
uint64_t index_hash_bytes(const char *p, size_t n);

/* Makes room for more entries; index_put() calls it. Exits if out of memory. */
void index_grow(struct index *ix);
/* Empties the index and frees its memory. The table remains the caller's. */
void index_clear(struct index *ix);

/* Returns the slot of the entry that holds the key, or else the free slot for it. At least half of them are free. */
static inline __attribute__((always_inline)) struct index_slot *
index_slot(const struct index *ix, uint32_t hash, index_holds *holds, const void *table, const void *key)
{
	size_t i = hash & (ix->cap - 1);

	for (; ix->slots[i].number; i = (i + 1) & (ix->cap - 1))
		if (ix->slots[i].hash == hash && holds(table, ix->slots[i].number - 1, key))
			break;
	return &ix->slots[i];
}

/* Returns the number of the entry that holds the key, or INDEX_NONE. */
static inline __attribute__((always_inline)) uint32_t
index_find(const struct index *ix, uint64_t hash, index_holds *holds, const void *table, const void *key)
{
	return ix->cap ? index_slot(ix, (uint32_t)(hash >> 32), holds, table, key)->number - 1 : INDEX_NONE;
}

/*
 * The same, but if no entry holds the key, adds it as entry number `next` and
 * returns that. The caller must then fill in this entry before the next search.
 */
static inline __attribute__((always_inline)) uint32_t
index_put(struct index *ix, uint64_t hash, index_holds *holds, const void *table, const void *key, uint32_t next)
{
	if (__builtin_expect(2 * (ix->used + 1) > ix->cap, 0))
		index_grow(ix);
	struct index_slot *slot = index_slot(ix, (uint32_t)(hash >> 32), holds, table, key);

	if (slot->number == 0) {
		*slot = (struct index_slot){ (uint32_t)(hash >> 32), next + 1 };
		ix->used++;
	}
	return slot->number - 1;
}

#endif
