/*
 * layouts.h - how CPython lays out objects, by release
 *
 * Byte offsets for 64-bit builds. They do not change within a minor release. They were read from each
 * release's headers, and tests/census.bats compares the types found by them with the interpreter's own answers. In
 * free-threaded builds the head of each object is larger, so its fields are further on (`more`).
 */
#ifndef LAYOUTS_H
#define LAYOUTS_H

#include <stdint.h>

#define NONE (-1)

/* How the keys of a dict are stored (PyDictKeysObject). */
enum keys_form {
	KEYS_SIZED,		/* 3.8 to 3.10: the number of its indices is a word; their width follows from it */
	KEYS_LOGARITHMS,	/* from 3.11: two logarithms, a byte each; keys that are all str have no hashes */
};

/* Where an instance keeps its attributes, if its type has a "managed dict". */
enum managed {
	MANAGED_NOT,
	MANAGED_POINTER,	/* 3.11: the values at the beginning of the block */
	MANAGED_TAGGED,		/* 3.12: in the second word of the block the values, plus 1, or a dict */
	MANAGED_INLINE,		/* from 3.13: in the object itself */
};

/* The reference count of an object. */
enum counts {
	COUNTS_WORD,		/* a word, of which immortal objects use 32 bits */
	COUNTS_FLAGS,		/* from 3.14: 32 bits, then flags in the highest byte but one */
	COUNTS_LOCAL,		/* free-threaded: one of the owning thread, and one of all others */
};

struct heap_layout {
	const char *release;	/* "3.8.": versions begin with it */
	int free_threaded;
	int more;		/* bytes that are before the fields of an object in addition to those below */
	int gc_head;		/* the size of the garbage collector's words before an object */
	int counts;		/* enum counts */
	int list_items;		/* bytes before the items in their block */
	int tuple_items;
	int module_name;
	int str_kind_shift;	/* in its state */
	int frame_tags;		/* references in frames may have their lowest bit set */
	int qualname;		/* of a heap type; its shared keys are in the next word */
	int str_ascii, str_compact;	/* the sizes of PyASCIIObject and PyCompactUnicodeObject */
	int str_wide;		/* str's text as wchar_t */
	int keys_entries_count, keys_indices;	/* PyDictKeysObject */
	int keys;		/* enum keys_form */
	int managed;		/* enum managed */
	int int_size_shift;	/* of an int's size, in the word after the type; NONE: that is its ob_size */
	unsigned values_prefix;	/* the most bytes before a dict's values in their block */
	uint64_t pre_flags;	/* types with any of these flags have two words before the rest of the object */
	uint64_t inline_flag;	/* types with this flag have values after the object */
};

/* The same in all these releases. */
enum {
	OB_REFCNT = 0, OB_TYPE = 8, OB_SIZE = 16,
	OB_LOCAL = 12, OB_SHARED = 16,		/* COUNTS_LOCAL, without `more` */
	TP_WEAKLIST = 208,
	TP_NAME = 24, TP_BASICSIZE = 32, TP_ITEMSIZE = 40, TP_DEALLOC = 48, TP_FLAGS = 168, TP_BASE = 256,
	TP_DICT = 264, TP_END = 272,
	STR_LENGTH = 16, STR_STATE = 32,
	LIST_ITEMS = 24,
	DICT_KEYS = 32, DICT_VALUES = 40, DICT_END = 48,
	SET_TABLE = 40,
	BYTEARRAY_BYTES = 32,
	ARRAY_ITEMS = 24,
	DEQUE_LEFT = 24, DEQUE_RIGHT = 32,	/* its outermost blocks */
	MODULE_DICT = 16,
	WEAKREF_OBJECT = 16, WEAKREF_PREVIOUS = 40, WEAKREF_NEXT = 48,
	DEQUE_LINK = 65 * 8,	/* in a block, the one to the right */
	NDARRAY_DATA = 16, NDARRAY_DIMENSIONS = 32,
	PRE_BYTES = 16,
};

/* Bits of tp_flags. */
#define TYPE_IS_HEAP (UINT64_C(1) << 9)
#define TYPE_READY (UINT64_C(1) << 12)
#define TYPE_HAS_GC (UINT64_C(1) << 14)
#define TYPE_LONG (UINT64_C(1) << 24)
#define TYPE_LIST (UINT64_C(1) << 25)
#define TYPE_TUPLE (UINT64_C(1) << 26)
#define TYPE_BYTES (UINT64_C(1) << 27)
#define TYPE_STR (UINT64_C(1) << 28)
#define TYPE_DICT (UINT64_C(1) << 29)
#define TYPE_TYPE (UINT64_C(1) << 31)
#define TYPE_MANAGED_DICT (UINT64_C(1) << 4)
#define TYPE_PRE_HEADER (UINT64_C(3) << 3)
#define TYPE_INLINE_VALUES (UINT64_C(1) << 2)

#define WITH_GIL .gc_head = 16, .str_kind_shift = 2
#define FREE_THREADED .free_threaded = 1, .more = 16, .counts = COUNTS_LOCAL, .list_items = 8
#define BEFORE_311 WITH_GIL, .keys = KEYS_SIZED, .keys_entries_count = 32, .keys_indices = 40, .int_size_shift = NONE, \
	.tuple_items = 24, .module_name = 48, .str_ascii = 48, .str_compact = 72, .str_wide = 40
#define FROM_311 .keys = KEYS_LOGARITHMS, .keys_entries_count = 24, .keys_indices = 32
#define FROM_312 FROM_311, .str_ascii = 40, .str_compact = 56, .str_wide = NONE, .int_size_shift = 3, \
	.pre_flags = TYPE_PRE_HEADER
#define FROM_313 FROM_312, .managed = MANAGED_INLINE, .inline_flag = TYPE_INLINE_VALUES
#define OF_313 FROM_313, .qualname = 872, .tuple_items = 24, .module_name = 48
#define OF_314 FROM_313, .qualname = 872, .tuple_items = 32, .module_name = 48, .frame_tags = 1
#define OF_315 FROM_313, .qualname = 880, .tuple_items = 32, .module_name = 40, .frame_tags = 1

static const struct heap_layout heap_layouts[] = {
	{ .release = "3.8.", BEFORE_311, .qualname = 864 },
	{ .release = "3.9.", BEFORE_311, .qualname = 856 },
	{ .release = "3.10.", BEFORE_311, .qualname = 864 },
	{ .release = "3.11.", WITH_GIL, FROM_311, .qualname = 864, .managed = MANAGED_POINTER, .int_size_shift = NONE,
	  .tuple_items = 24, .module_name = 48, .str_ascii = 48, .str_compact = 72, .str_wide = 40,
	  .values_prefix = 256, .pre_flags = TYPE_MANAGED_DICT },
	{ .release = "3.12.", WITH_GIL, FROM_312, .qualname = 872, .tuple_items = 24, .module_name = 48,
	  .managed = MANAGED_TAGGED, .values_prefix = 256 },
	{ .release = "3.13.", WITH_GIL, OF_313 },
	{ .release = "3.13.", FREE_THREADED, OF_313, .str_kind_shift = 2 },
	{ .release = "3.14.", WITH_GIL, OF_314, .counts = COUNTS_FLAGS },
	{ .release = "3.14.", FREE_THREADED, OF_314, .str_kind_shift = 8 },
	{ .release = "3.15.", WITH_GIL, OF_315, .counts = COUNTS_FLAGS },
	{ .release = "3.15.", FREE_THREADED, OF_315, .str_kind_shift = 8 },
};

#undef WITH_GIL
#undef FREE_THREADED
#undef BEFORE_311
#undef FROM_311
#undef FROM_312
#undef FROM_313
#undef OF_313
#undef OF_314
#undef OF_315

#endif
