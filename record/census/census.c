/*
 * census.c - what each live block of a process is, read from its memory
 *
 * Source: the checks follow _PyType_PreHeaderSize() and PyType_GenericAlloc() of each release.
 */
#include "census.h"

#include <stdlib.h>
#include <string.h>

#include "references.h"
#include "types.h"
#include "xmalloc.h"

#define HEAD_BYTES 128u		/* of a block: the words before an object, and its first fields */
#define GAP_BYTES 16384u	/* between two blocks that are read together */
#define BLOCKS_A_TURN 4096
#define MOST_DEQUE_BLOCKS 65536
#define MOST_SLACK 64u		/* bytes after the items of an object */
#define LOWEST_ADDRESS 65536u	/* of any mapping (vm.mmap_min_addr) */
#define IMMORTAL UINT64_C(0xffffffff)
#define MOST_FLAGS 0xffu
#define MOST_LOCK 3u
#define IMMORTAL_SHARED (INT64_C(1) << 61)

struct census {
	struct census_block *blocks;
	size_t n;
	struct remote remote;
	struct types types;
	uint8_t *claimed;	/* a bit for each block: it belongs to an object */
	uint32_t *notes;	/* for each block (references.h); NULL: references are not asked for */
};

/* A candidate: the first bytes of a block, and an object in it. */
struct object {
	const uint8_t *head;	/* of the block */
	size_t have;
	uint64_t block_size;
	const uint8_t *at;	/* in head */
	uint64_t addr;
	struct type *type;
};

static uint64_t word(const void *p, int offset)
{
	uint64_t w;
	memcpy(&w, (const uint8_t *)p + offset, sizeof w);
	return w;
}

static void sort_few(struct census_block *b, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct census_block block = b[i];
		size_t at = i;
		for (; at && b[at - 1].addr > block.addr; at--)
			b[at] = b[at - 1];
		b[at] = block;
	}
}

#define FEW 32u
#define DIGIT(block, shift) ((block).addr >> (shift) & 255)

/* By the byte of the address at `shift` and those below it, in place: for many blocks, qsort(3) copies all of them. */
static void sort_from(struct census_block *b, size_t n, int shift)
{
	size_t next[256], end[256] = { 0 };
	if (n <= FEW || shift < 0) {
		sort_few(b, n <= FEW ? n : 0);	/* below the last byte all addresses are equal */
		return;
	}
	for (size_t i = 0; i < n; i++)
		end[DIGIT(b[i], shift)]++;
	for (size_t d = 0, sum = 0; d < 256; d++) {
		next[d] = sum;
		sum += end[d];
		end[d] = sum;
	}
	for (size_t d = 0; d < 256; d++)
		while (next[d] < end[d]) {
			struct census_block *at = &b[next[d]];
			size_t to = DIGIT(*at, shift);
			if (to == d) {
				next[d]++;
				continue;
			}
			struct census_block block = b[next[to]];
			b[next[to]++] = *at;
			*at = block;
		}
	for (size_t d = 0, begin = 0; d < 256; begin = end[d++])
		sort_from(b + begin, end[d] - begin, shift - 8);
}

void census_sort(struct census_block *blocks, size_t n)
{
	sort_from(blocks, n, 56);
}

/* ---------------------------------------------------------------- objects */

/* Whether a str can have this size: with its letters, or, of a derived class, without. */
static bool str_fits(const struct heap_layout *o, const struct object *found, uint64_t size)
{
	uint64_t basic = (uint64_t)found->type->basic_size;
	struct str_state state = types_str_state(o, (uint32_t)word(found->at, STR_STATE + o->more));
	uint64_t length = word(found->at, STR_LENGTH + o->more);
	if (length >> 40 || !(state.valid || (o->str_wide != NONE && state.kind == 0)))
		return false;
	if (!state.compact)
		return size >= basic && size <= ((basic + 7) & ~UINT64_C(7));
	return state.letters + (length + 1) * state.kind <= size;
}

/* Whether the items of an object have room after it. Frames, generators and the like count theirs elsewhere. */
static bool items_fit(const struct heap_layout *o, const struct object *found, uint64_t room)
{
	const struct type *t = found->type;
	if (!(t->flags & (TYPE_LONG | TYPE_TUPLE | TYPE_BYTES)) || t->basic_size < OB_SIZE + 8 + o->more)
		return true;
	uint64_t n = word(found->at, OB_SIZE + o->more);
	if (t->flags & TYPE_LONG) {
		if (o->int_size_shift != NONE)
			n >>= o->int_size_shift;
		else if ((int64_t)n < 0)	/* a negative int */
			n = -n;
	}
	uint64_t size = n >> 40 ? UINT64_MAX : n * (uint64_t)t->item_size;
	/* an int may have lost digits since; others have at most an item more, and a derived class's fields */
	return size <= room && (t->flags & TYPE_LONG || room - size <= MOST_SLACK);
}

/*
 * Whether an object's values are in it: their number, how many are set, that they are in it; at the end their order. A
 * class's first instances have room for one more: _PyObject_InitInlineValues().
 */
static uint64_t values_bytes(uint64_t n)
{
	return (n + 1) * 8 + ((n + 7) & ~UINT64_C(7));
}

static bool are_values(const struct object *found, uint64_t basic, uint64_t room)
{
	const uint8_t *values = found->at + basic;
	if (values + 4 > found->head + found->have)
		return true;	/* beyond what was read */
	uint64_t n = values[0];
	return n && values[1] <= n && values[2] == 1 && (room == values_bytes(n) || room == values_bytes(n + 1));
}

/* Whether an object of that type can have the size of the block. */
static bool fits(const struct heap_layout *o, const struct object *found)
{
	const struct type *t = found->type;
	uint64_t size = found->block_size - t->prefix, basic = (uint64_t)t->basic_size;
	if (t->flags & TYPE_STR)
		return size >= (uint64_t)(STR_STATE + 8 + o->more) && str_fits(o, found, size);
	if (t->item_size)
		return basic <= size && items_fit(o, found, size - basic);
	if (t->flags & o->inline_flag)
		return basic < size && are_values(found, basic, size - basic);
	return size + t->optional >= basic && size <= ((basic + 7) & ~UINT64_C(7));
}

/* Whether the words before an object can be those of the garbage collector: the next object in its list, or none. */
static bool has_gc_head(const struct heap_layout *o, const struct object *found)
{
	if (!o->gc_head)
		return true;
	uint64_t next = word(found->at - o->gc_head, 0) & ~UINT64_C(1);		/* the bit is set during a collection */
	return next == 0 || (next % 8 == 0 && next >= LOWEST_ADDRESS && next >> 47 == 0);
}

/* Whether the words before the type can be those of an object: without the GIL, flags and a lock are among them. */
static bool has_head(const struct heap_layout *o, const struct object *found)
{
	uint64_t second = o->counts == COUNTS_LOCAL ? word(found->at, OB_LOCAL - 4) : 0;
	return (second & 0xffff) <= MOST_FLAGS && (second >> 16 & 0xff) <= MOST_LOCK;
}

/* Whether it has references, and no more than there can be. */
static bool is_counted(const struct heap_layout *o, const struct object *found)
{
	uint64_t count = word(found->at, OB_REFCNT);
	int64_t shared;
	switch (o->counts) {
	case COUNTS_FLAGS:
		return (uint32_t)count && (count >> 32 & 0xffff) == 0 && count >> 56 == 0;
	case COUNTS_LOCAL:
		shared = (int64_t)word(found->at, OB_SHARED) >> 2;
		return ((uint32_t)(word(found->at, OB_LOCAL - 4) >> 32) || shared) && shared > -IMMORTAL_SHARED &&
		       shared < IMMORTAL_SHARED;
	default:
		return count && count <= IMMORTAL;
	}
}

/* Returns whether an object can begin `prefix` bytes after the beginning of the block, by what its type says. */
static bool can_be_object(struct census *c, struct object *found, uint64_t addr, uint32_t prefix)
{
	const struct heap_layout *o = c->types.layout;
	size_t least = prefix + OB_SIZE + (uint32_t)o->more;
	if (found->have < least || found->block_size < least)
		return false;
	found->at = found->head + prefix;
	found->addr = addr + prefix;
	found->type = types_at(&c->types, word(found->at, OB_TYPE + o->more));
	return found->type && found->type->prefix == prefix && has_head(o, found) &&
	       (!(found->type->flags & TYPE_HAS_GC) || has_gc_head(o, found)) && fits(o, found);
}

/* If it could be two objects, one of them without references (in a free list of the interpreter's), it is none. */
static bool find_object(struct census *c, struct object *found, uint64_t addr)
{
	static const uint32_t prefixes[] = { 0, 16, 32 };
	struct object one = *found;
	int n = 0;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (can_be_object(c, &one, addr, prefixes[i])) {
			*found = one;
			n++;
		}
	return n == 1 && is_counted(c->types.layout, found);
}

/* ---------------------------------------------------------------- what belongs to an object */

/* Returns the block that an address is in, `most` bytes from its beginning at the most, or NULL. */
static struct census_block *block_at(const struct census *c, uint64_t addr, uint64_t most)
{
	size_t low = 0, high = c->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->blocks[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	struct census_block *b = &c->blocks[low - 1];
	uint64_t offset = addr - b->addr;
	return offset <= most && (offset < b->size || offset == 0) ? b : NULL;
}

static bool is_claimed(const struct census *c, size_t i)
{
	return c->claimed[i / 8] >> i % 8 & 1;
}

/* The block at an address is a part of an object of that type; the first that claims it has it. */
static bool claim(struct census *c, struct type *type, enum part part, uint64_t addr, uint64_t most)
{
	struct census_block *b = addr ? block_at(c, addr, most) : NULL;
	size_t i = b ? (size_t)(b - c->blocks) : 0;
	if (!b || is_claimed(c, i) || b->label == CENSUS_UNSETTLED)
		return false;
	c->claimed[i / 8] |= (uint8_t)(1 << i % 8);
	b->label = types_label(&c->types, type, part);
	if (c->notes)
		c->notes[i] = note_part(type, part);
	return true;
}

/* A field of an object; 0 if it is beyond what was read. */
static uint64_t field(const struct census *c, const struct object *o, int offset)
{
	offset += c->types.layout->more;
	size_t end = (size_t)(o->at - o->head) + (size_t)offset + 8;
	return end <= o->have ? word(o->at, offset) : 0;
}

static void claim_deque(struct census *c, const struct object *o)
{
	uint64_t block = field(c, o, DEQUE_LEFT), last = field(c, o, DEQUE_RIGHT);
	for (int i = 0; i < MOST_DEQUE_BLOCKS && claim(c, o->type, PART_BLOCK, block, 0); i++)
		if (block == last || !remote_read(&c->remote, block + DEQUE_LINK, &block, sizeof block))
			break;
}

static void claim_text(struct census *c, const struct object *o)
{
	const struct heap_layout *l = c->types.layout;
	struct str_state state = types_str_state(l, (uint32_t)field(c, o, STR_STATE));
	if (!state.compact)
		claim(c, o->type, PART_TEXT, field(c, o, l->str_compact), 0);
	if (!state.compact || !state.ascii)
		claim(c, o->type, PART_TEXT, field(c, o, l->str_ascii + 8), 0);	/* as UTF-8 */
	if (l->str_wide != NONE)
		claim(c, o->type, PART_TEXT, field(c, o, l->str_wide), 0);
}

/* The values of an instance that has no dict of its own yet. */
static void claim_values(struct census *c, const struct object *o)
{
	if (c->types.layout->managed == MANAGED_POINTER)
		claim(c, o->type, PART_VALUES, word(o->head, 0), c->types.layout->values_prefix);
	else if (c->types.layout->managed == MANAGED_TAGGED && word(o->head, 8) & 1)
		claim(c, o->type, PART_VALUES, word(o->head, 8) - 1, c->types.layout->values_prefix);
}

static void claim_parts(struct census *c, const struct object *o)
{
	uint64_t keys;
	switch (o->type->owner) {
	case OWNS_LIST:
		claim(c, o->type, PART_ITEMS, field(c, o, LIST_ITEMS),
		      (uint64_t)c->types.layout->list_items);
		break;
	case OWNS_DICT:
		claim(c, o->type, PART_KEYS, field(c, o, DICT_KEYS), 0);
		claim(c, o->type, PART_VALUES, field(c, o, DICT_VALUES), c->types.layout->values_prefix);
		break;
	case OWNS_SET:
		claim(c, o->type, PART_TABLE, field(c, o, SET_TABLE), 0);
		break;
	case OWNS_STR:
		claim_text(c, o);
		break;
	case OWNS_BYTEARRAY:
		claim(c, o->type, PART_BUFFER, field(c, o, BYTEARRAY_BYTES), 0);
		break;
	case OWNS_ARRAY:
		claim(c, o->type, PART_BUFFER, field(c, o, ARRAY_ITEMS), 0);
		break;
	case OWNS_DEQUE:
		claim_deque(c, o);
		break;
	case OWNS_NDARRAY:
		claim(c, o->type, PART_BUFFER, field(c, o, NDARRAY_DATA), 0);
		claim(c, o->type, PART_DIMENSIONS, field(c, o, NDARRAY_DIMENSIONS), 0);
		break;
	case OWNS_TYPE:
		if (remote_read(&c->remote, types_keys_at(&c->types, o->addr), &keys, sizeof keys))
			claim(c, o->type, PART_KEYS, keys, 0);
		break;
	case OWNS_NOTHING:
	case REFERS_WEAKLY:
	case IS_MODULE:
	case HAS_FRAME:
		break;
	}
	if (o->type->flags & c->types.layout->pre_flags & TYPE_MANAGED_DICT)
		claim_values(c, o);
}

/* ---------------------------------------------------------------- all blocks */

/* Returns where a read that begins with block i can end: blocks that follow closely are read with it. */
static uint64_t run_end(const struct census *c, size_t i)
{
	const struct census_block *b = c->blocks;
	uint64_t end = b[i].addr + (b[i].size < HEAD_BYTES ? b[i].size : HEAD_BYTES);
	for (size_t k = i + 1; k < c->n && k < i + BLOCKS_A_TURN && b[k].addr - end < GAP_BYTES; k++)
		end = b[k].addr + (b[k].size < HEAD_BYTES ? b[k].size : HEAD_BYTES);
	return end;
}

static void name_block(struct census *c, size_t i, uint64_t *end)
{
	struct census_block *b = &c->blocks[i];
	struct object o = { .have = b->size < HEAD_BYTES ? (size_t)b->size : HEAD_BYTES, .block_size = b->size };
	if (b->addr + o.have > *end)
		*end = run_end(c, i);
	o.head = remote_window(&c->remote, b->addr, &o.have, *end);
	if (!find_object(c, &o, b->addr))
		return;
	b->label = types_label(&c->types, o.type, PART_OBJECT);
	if (c->notes)
		c->notes[i] = note_object(o.type);
	claim_parts(c, &o);
}

bool census_name(struct census_block *blocks, size_t n, const struct census_source *from, struct texts *labels)
{
	struct census c = { .blocks = blocks, .n = n };
	remote_init(&c.remote, from->memory);
	bool known = types_init(&c.types, from->release, from->type_type, &c.remote, labels);
	c.claimed = xcalloc(n / 8 + 1, 1);
	c.notes = from->refer ? xcalloc(n + 1, sizeof *c.notes) : NULL;
	uint64_t end = 0;
	for (size_t i = 0; known && i < n; i++) {
		if (!is_claimed(&c, i) && blocks[i].label != CENSUS_UNSETTLED)
			name_block(&c, i, &end);
		if (from->keep_up && i % BLOCKS_A_TURN == BLOCKS_A_TURN - 1)
			from->keep_up(from->arg);
	}
	if (known && from->refer)
		references_find(blocks, n, c.notes, &c.types, from);
	free(c.claimed);
	free(c.notes);
	types_clear(&c.types);
	remote_clear(&c.remote);
	return known;
}
