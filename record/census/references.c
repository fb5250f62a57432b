/*
 * references.c - which blocks refer to which
 *
 * Source: Objects/dictobject.c, Objects/weakrefobject.c; Python/pystate.c, push_chunk(): the frames of running threads
 * are in chunks that begin with the address of the previous one, their size and the number of words in use.
 */
#include "references.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define CHUNK_SHIFT 14			/* blocks are found by the 16 KiB that they begin in */
#define READ_BYTES (64u << 10)
#define REFERENCES_A_TURN 4096u
#define BLOCKS_A_TURN 4096u
#define STR_HEAD_BYTES 88u		/* the letters after it are not references */
#define IDENTIFIERS 65536u
#define LEAST_STACK (UINT64_C(16) << 10)
#define MOST_STACK (UINT64_C(16) << 20)
#define MOST_STACKS 4096u
#define MOST_BYTES (UINT64_C(64) << 20)	/* of a block or range whose contents are not known: it may be sparse */
#define NO_CHUNK UINT32_MAX
#define MOST_PREFIX 32u			/* bytes from the beginning of a block to its object, or to its items */

struct chunk {
	uint64_t number;
	uint32_t first;			/* its first block */
};

struct stack_chunk {
	uint64_t addr, size;
};

struct finder {
	const struct census_block *blocks;
	size_t n;
	const uint32_t *notes;
	struct types *types;
	const struct census_source *source;
	struct chunk *chunks;
	uint32_t n_chunks;
	size_t cap_chunks;
	struct index index;		/* of the chunks, by number */
	struct census_reference *found;	/* of the block or range being looked at */
	size_t n_found;
	struct stack_chunk *stacks;
	size_t n_stacks, cap_stacks;
	struct { uint64_t addr; uint32_t text; } *identifiers;	/* by hash: the newest of each */
};

/* What is being looked at. */
struct scan {
	uint64_t from;			/* the block's address; 0: a root */
	size_t root;			/* of the source's ranges; n_roots: frames of threads */
	uint32_t note;
	const struct type *type;	/* NULL: not known */
	struct dict_entries entries;	/* of a dict's keys */
	uint64_t values;		/* in the block, where an object's values begin */
	bool tagged;			/* it is a frame whose references may have their lowest bit set */
};

static uint64_t word(const void *p, uint64_t offset)
{
	uint64_t w;
	memcpy(&w, (const uint8_t *)p + offset, sizeof w);
	return w;
}

/* ---------------------------------------------------------------- blocks by address */

static bool holds(const void *chunks, uint32_t n, const void *number)
{
	return ((const struct chunk *)chunks)[n].number == *(const uint64_t *)number;
}

static void index_blocks(struct finder *f)
{
	for (size_t i = 0; i < f->n; i++) {
		uint64_t number = f->blocks[i].addr >> CHUNK_SHIFT;
		if (f->n_chunks && f->chunks[f->n_chunks - 1].number == number)
			continue;
		GROW(f->chunks, (size_t)f->n_chunks, f->cap_chunks);
		index_put(&f->index, index_hash(number, 0), holds, f->chunks, &number, f->n_chunks);
		f->chunks[f->n_chunks++] = (struct chunk){ number, (uint32_t)i };
	}
}

/* Returns the last block of a chunk that begins at or before an address; NO_CHUNK: none does. */
static uint32_t last_before(const struct finder *f, uint64_t addr)
{
	uint64_t number = addr >> CHUNK_SHIFT;
	uint32_t c = index_find(&f->index, index_hash(number, 0), holds, f->chunks, &number);
	if (c == INDEX_NONE || f->blocks[f->chunks[c].first].addr > addr)
		return NO_CHUNK;
	uint32_t low = f->chunks[c].first, high = c + 1 < f->n_chunks ? f->chunks[c + 1].first : (uint32_t)f->n;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (f->blocks[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Returns the block that a reference to this address is to; NO_CHUNK: none. */
static uint32_t block_of(const struct finder *f, uint64_t addr)
{
	uint32_t i = last_before(f, addr);
	if (i == NO_CHUNK) {	/* the block of an object, or of values, may begin at the end of the chunk before */
		if ((addr & ((UINT64_C(1) << CHUNK_SHIFT) - 1)) >= f->types->layout->values_prefix + MOST_PREFIX)
			return NO_CHUNK;
		i = last_before(f, addr - (addr & ((UINT64_C(1) << CHUNK_SHIFT) - 1)) - 1);
		if (i == NO_CHUNK)
			return NO_CHUNK;
	}
	uint64_t offset = addr - f->blocks[i].addr;
	uint32_t note = f->notes[i];
	if (note & NOTE_OBJECT)
		return offset == 16 * (note & NOTE_PREFIX) ? i : NO_CHUNK;
	if (NOTE_PART(note) == PART_VALUES)
		return offset <= f->types->layout->values_prefix && offset < f->blocks[i].size ? i : NO_CHUNK;
	uint64_t begin = NOTE_PART(note) == PART_ITEMS ? (uint64_t)f->types->layout->list_items : 0;
	return offset == begin ? i : NO_CHUNK;
}

/* ---------------------------------------------------------------- frames of running threads */

/* Notes the chunk of frames at an address, if there is one. */
static void note_stack(struct finder *f, uint64_t addr)
{
	uint64_t head[3];
	if (f->types->layout->keys != KEYS_LOGARITHMS || f->n_stacks >= MOST_STACKS ||
	    !remote_read(f->types->remote, addr, head, sizeof head))
		return;
	uint64_t previous = head[0], size = head[1], top = head[2];
	if (previous % 4096 || previous >> 47 || size < LEAST_STACK || size > MOST_STACK || (size & (size - 1)) ||
	    top > size / 8)
		return;
	for (size_t i = 0; i < f->n_stacks; i++)
		if (f->stacks[i].addr == addr)
			return;
	GROW(f->stacks, f->n_stacks, f->cap_stacks);
	f->stacks[f->n_stacks++] = (struct stack_chunk){ addr, size };
}

/* ---------------------------------------------------------------- labels */

static uint32_t identifier(struct finder *f, uint64_t str)
{
	size_t slot = index_hash(str, 0) % IDENTIFIERS;
	if (f->identifiers[slot].addr != str) {
		f->identifiers[slot].addr = str;
		f->identifiers[slot].text = types_identifier(f->types, str);
	}
	return f->identifiers[slot].text;
}

static uint32_t index_label(uint64_t index)
{
	return index < UINT32_MAX / 2 ? CENSUS_INDEX((uint32_t)index) : 0;
}

/* The label of the reference in the word at an offset in its block; `before` is the word before it. */
static uint32_t label_of(struct finder *f, const struct scan *s, uint64_t offset, uint64_t before)
{
	const struct type *t = s->type;
	const struct heap_layout *o = f->types->layout;
	uint64_t i;
	if (!t)
		return 0;
	uint64_t tuple = t->prefix + (uint64_t)(o->tuple_items + o->more);
	switch (NOTE_PART(s->note)) {
	case PART_OBJECT:
		if (t->owner == IS_MODULE && offset == t->prefix + (uint64_t)(MODULE_DICT + o->more)) {
			uint32_t name = types_module_name(f->types, s->from + t->prefix);
			return name ? CENSUS_NAME(name) : 0;
		}
		if (t->flags & TYPE_TUPLE && offset >= tuple)
			return index_label((offset - tuple) / 8);
		if (t->flags & o->inline_flag && offset >= t->prefix + (uint64_t)t->basic_size + 8) {
			i = (offset - t->prefix - (uint64_t)t->basic_size - 8) / 8;
			return i < t->n_names && t->names[i] ? CENSUS_NAME(t->names[i]) : 0;
		}
		return 0;
	case PART_ITEMS:
		return index_label((offset - (uint64_t)o->list_items) / 8);
	case PART_VALUES:
		i = (offset - s->values) / 8;
		return offset >= s->values && i < t->n_names && t->names[i] ? CENSUS_NAME(t->names[i]) : 0;
	case PART_KEYS:
		i = s->from + offset - s->entries.at;
		if (s->entries.n && s->from + offset >= s->entries.at && i % s->entries.size == s->entries.key + 8) {
			uint32_t name = identifier(f, before);
			return name ? CENSUS_NAME(name) : 0;
		}
		return 0;
	default:
		return 0;
	}
}

/*
 * Returns where an object's values begin in their block: the order in which they were set is before them, and its size
 * (a byte for each of the n, 2 more, rounded up to 8).
 */
static uint64_t values_offset(uint64_t size)
{
	for (uint64_t n = size / 8; n; n--)
		if (((n + 2 + 7) & ~UINT64_C(7)) + 8 * n == size)
			return size - 8 * n;
	return size;
}

/* ---------------------------------------------------------------- looking */

static void flush(struct finder *f, const struct scan *s)
{
	if (f->n_found && s->from)
		f->source->refer(f->source->arg, s->from, f->found, f->n_found);
	else if (f->n_found)
		f->source->root(f->source->arg, s->root, f->found, f->n_found);
	f->n_found = 0;
}

static void take_word(struct finder *f, const struct scan *s, uint64_t w, uint64_t offset, uint64_t before)
{
	if (f->types->layout->managed == MANAGED_TAGGED && s->type && s->note & NOTE_OBJECT && offset == 8 &&
	    s->type->flags & TYPE_MANAGED_DICT)
		w += w & 1;	/* its values, whose address is stored less 1 */
	if (s->tagged && (w & 3) == 1)
		w--;
	if (w % 8 || w < 65536 || w >> 47)
		return;
	uint32_t to = block_of(f, w);
	if (to == NO_CHUNK) {
		if (w % 4096 == 0 && !s->type)
			note_stack(f, w);
		return;
	}
	/* A part is held by its object. What else has its address has it from before, on a stack. */
	bool part = NOTE_PART(f->notes[to]) != PART_OBJECT;
	if (!s->type && (part || f->blocks[to].addr == s->from))
		return;
	f->found[f->n_found++] = (struct census_reference){ f->blocks[to].addr, label_of(f, s, offset, before) };
	if (f->n_found == REFERENCES_A_TURN)
		flush(f, s);
}

/* Whether the word at an offset in an object is none that holds anything. */
static bool is_weak(const struct finder *f, const struct scan *s, uint64_t offset)
{
	const struct type *t = s->type;
	if (!t || !(s->note & NOTE_OBJECT))
		return false;
	if (offset < t->prefix) {
		bool collector = offset + (uint64_t)f->types->layout->gc_head >= t->prefix && t->flags & TYPE_HAS_GC;
		return collector || (offset == 0 && f->types->layout->managed != MANAGED_POINTER);
	}
	if (t->weak > 0 && offset - t->prefix == (uint64_t)t->weak)
		return true;
	offset -= t->prefix + (uint64_t)f->types->layout->more;
	return t->owner == REFERS_WEAKLY &&
	       (offset == WEAKREF_OBJECT || offset == WEAKREF_PREVIOUS || offset == WEAKREF_NEXT);
}

/* Looks at the words from an address on; where they cannot be read, there are none. */
static void look(struct finder *f, const struct scan *s, uint64_t addr, uint64_t size, uint64_t ahead)
{
	uint64_t before = 0;
	if (!s->type && size > MOST_BYTES)
		size = MOST_BYTES;
	for (uint64_t at = 0; at < size;) {
		size_t have = size - at < READ_BYTES ? (size_t)(size - at) : READ_BYTES;
		const uint8_t *p = remote_window(f->types->remote, addr + at, &have, ahead);
		if (have < 8)
			break;
		have -= have % 8;
		for (size_t i = 0; i < have; i += 8) {
			uint64_t w = word(p, i);
			if (w && !is_weak(f, s, at + i))
				take_word(f, s, w, at + i, before);
			before = w;
		}
		at += have;
	}
	flush(f, s);
}

static bool has_no_references(const struct heap_layout *o, const struct type *t, uint32_t note)
{
	if (!(note & NOTE_OBJECT))
		return NOTE_PART(note) == PART_BUFFER || NOTE_PART(note) == PART_TEXT ||
		       NOTE_PART(note) == PART_DIMENSIONS;
	return t && (t->flags & (TYPE_LONG | TYPE_BYTES) ||
		     (t->item_size == 0 && t->basic_size <= OB_SIZE + 8 + o->more && !(t->flags & TYPE_HAS_GC) &&
		      !(t->flags & TYPE_IS_HEAP)));	/* float and the like */
}

/* Returns how far the window may be read for the blocks after this one. */
static uint64_t ahead_of(const struct finder *f, size_t i)
{
	size_t last = i + 256 < f->n ? i + 256 : f->n - 1;
	return f->blocks[last].addr + f->blocks[last].size;
}

static void look_at_block(struct finder *f, size_t i)
{
	const struct census_block *b = &f->blocks[i];
	struct scan s = { .from = b->addr, .note = f->notes[i] };
	uint64_t size = b->size;
	if (s.note) {
		struct type *t = f->types->at[s.note >> NOTE_TYPE_SHIFT];
		if (t->flags & f->types->layout->inline_flag || NOTE_PART(s.note) == PART_VALUES)
			types_name_values(f->types, t);
		s.type = t;
		s.tagged = f->types->layout->frame_tags && s.note & NOTE_OBJECT && t->owner == HAS_FRAME;
		s.values = values_offset(size);
		if (t->flags & TYPE_STR && s.note & NOTE_OBJECT && size > STR_HEAD_BYTES)
			size = STR_HEAD_BYTES;
		if (NOTE_PART(s.note) == PART_KEYS && !types_entries(f->types, b->addr, &s.entries))
			s.entries.n = 0;
	}
	if (b->label != CENSUS_UNSETTLED && !has_no_references(f->types->layout, s.type, s.note))
		look(f, &s, b->addr, size, ahead_of(f, i));
}

/*
 * Returns where the first block from an address on begins, `end` at most: the kernel joins variables and an allocator's
 * memory after them into one mapping.
 */
static uint64_t first_from(const struct finder *f, uint64_t start, uint64_t end)
{
	size_t low = 0, high = f->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->blocks[middle].addr < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->n && f->blocks[low].addr < end ? f->blocks[low].addr : end;
}

void references_find(const struct census_block *blocks, size_t n, const uint32_t *notes, struct types *types,
		     const struct census_source *source)
{
	struct finder f = { .blocks = blocks, .n = n, .notes = notes, .types = types, .source = source };
	f.found = xcalloc(REFERENCES_A_TURN, sizeof *f.found);
	f.identifiers = xcalloc(IDENTIFIERS, sizeof *f.identifiers);
	index_blocks(&f);
	for (size_t i = 0; i < n; i++) {
		look_at_block(&f, i);
		if (source->keep_up && i % BLOCKS_A_TURN == BLOCKS_A_TURN - 1)
			source->keep_up(source->arg);
	}
	for (size_t i = 0; i < source->n_roots; i++) {
		struct scan s = { .root = i };
		const struct census_range *r = &source->roots[i];
		uint64_t end = first_from(&f, r->start, r->end);
		look(&f, &s, r->start, end - r->start, end);
	}
	for (size_t i = 0; i < f.n_stacks; i++) {	/* more may be found meanwhile */
		struct scan s = { .root = source->n_roots, .tagged = types->layout->frame_tags };
		look(&f, &s, f.stacks[i].addr, f.stacks[i].size, 0);
	}
	free(f.found);
	free(f.identifiers);
	free(f.chunks);
	free(f.stacks);
	index_clear(&f.index);
}
