/*
 * references.h - which blocks refer to which
 *
 * By looking for the addresses of objects, and of the parts that belong to them, in every word of a block that can have
 * one. Left out are weak references, the links of the garbage collector, and blocks that have no references by their
 * type: numbers, text, buffers. So a word that only looks like an address counts, but only in memory of C libraries
 * and in objects whose types have more than references.
 *
 * Memory: 4 bytes for each block (the notes), 24 for each 16 KiB that have blocks, 512 KiB.
 */
#ifndef REFERENCES_H
#define REFERENCES_H

#include "census.h"
#include "types.h"

/* What is known of a block: of an object, or one of its parts, also the number of its type. */
#define NOTE_PREFIX 3u		/* the words before the object, in units of 16 bytes */
#define NOTE_OBJECT 4u
#define NOTE_PART_SHIFT 4	/* enum part */
#define NOTE_TYPE_SHIFT 8
#define NOTE_PART(note) ((enum part)((note) >> NOTE_PART_SHIFT & 15))

static inline uint32_t note_object(const struct type *type)
{
	return NOTE_OBJECT | type->prefix / 16 | type->number << NOTE_TYPE_SHIFT;
}

static inline uint32_t note_part(const struct type *type, enum part part)
{
	return (uint32_t)part << NOTE_PART_SHIFT | type->number << NOTE_TYPE_SHIFT;
}

/* The blocks are sorted, and noted. Calls source->refer and source->root. */
void references_find(const struct census_block *blocks, size_t n, const uint32_t *notes, struct types *types,
		     const struct census_source *source);

#endif
