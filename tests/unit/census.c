/*
 * census.c - tests what blocks are taken for, in a heap made here: of objects, and of anything
 */
#include "census.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "census_rows.h"
#include "check.h"
#include "layouts.h"
#include "xmalloc.h"

#define HEAP_BYTES 65536u
#define N(array) (sizeof(array) / sizeof *(array))

static uint64_t *heap;		/* followed by an address that cannot be read */
static struct texts labels;
static const char *release = "3.11.2";

static uint64_t at(unsigned offset)
{
	return (uint64_t)heap + offset;
}

static void put(unsigned offset, uint64_t word)
{
	heap[offset / 8] = word;
}

/* A static type with this many bytes in each object. */
static void put_type(unsigned offset, uint64_t metatype, const char *name, uint64_t flags, uint64_t size)
{
	put(offset + OB_REFCNT, 1);
	put(offset + OB_TYPE, metatype);
	put(offset + TP_NAME, (uint64_t)name);
	put(offset + TP_BASICSIZE, size);
	put(offset + TP_ITEMSIZE, 0);
	put(offset + TP_DEALLOC, at(8));
	put(offset + TP_FLAGS, flags | TYPE_READY);
	put(offset + TP_BASE, 0);
}

enum { TYPE = 1024, PLAIN = 2048, COLLECTED = 3072, LIST = 4096, META = 5120, OBJECT = 8192 };

static void make_heap(void)
{
	memset(heap, 0, HEAP_BYTES);
	put_type(TYPE, at(TYPE), "type", TYPE_TYPE | TYPE_HAS_GC, 904);
	put_type(PLAIN, at(TYPE), "app.Plain", 0, 32);
	put_type(COLLECTED, at(TYPE), "app.Collected", TYPE_HAS_GC, 24);
	put_type(LIST, at(META), "list", TYPE_HAS_GC | TYPE_LIST, 40);
	put_type(META, at(TYPE), "Meta", TYPE_HAS_GC | TYPE_TYPE, 904);
}

/* References, if they are asked for: "8192>9216 …", of roots "0>…", as offsets in the heap; and how many. */
static bool asks_references;
static char referred[4096];
static size_t n_references;

static void refer(void *arg, uint64_t from, const struct census_reference *r, size_t n)
{
	(void)arg;
	n_references += n;
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(referred);
		snprintf(referred + used, sizeof referred - used, "%s%u>%u", used ? " " : "",
			 from ? (unsigned)(from - (uint64_t)heap) : 0, (unsigned)(r[i].to - (uint64_t)heap));
	}
}

static void root(void *arg, size_t number, const struct census_reference *r, size_t n)
{
	(void)number;
	refer(arg, 0, r, n);
}

/* Returns the labels of the blocks as one line. */
static const char *name(struct census_block *blocks, size_t n)
{
	static char line[4096];
	int memory = open("/proc/self/mem", O_RDONLY);
	struct census_source from = { .memory = memory, .release = release, .type_type = at(TYPE) };
	struct census_range roots[] = { { at(0), at(1024), "a" },
					{ at(HEAP_BYTES), at(2 * HEAP_BYTES), "unreadable" } };
	if (asks_references) {
		from.refer = refer;
		from.root = root;
		from.roots = roots;
		from.n_roots = N(roots);
	}
	referred[0] = '\0';
	n_references = 0;
	census_sort(blocks, n);
	bool known = census_name(blocks, n, &from, &labels);
	close(memory);
	line[0] = '\0';
	for (size_t i = 0; i < n && n < 16; i++) {
		bool settled = blocks[i].label != CENSUS_UNSETTLED;
		struct mt_str text = settled ? texts_text(&labels, blocks[i].label) : text_empty;
		strcat(line, i ? ", " : "");
		strncat(line, text.p, text.n);
	}
	return known ? line : "unknown release";
}

static const char *name_one(unsigned offset, uint64_t size)
{
	struct census_block block = { .addr = at(offset), .size = size, .id = 1 };
	return name(&block, 1);
}

static bool is(const char *text, const char *expected)
{
	return strcmp(text, expected) == 0;
}

static void put_plain(uint64_t references, uint64_t type)
{
	make_heap();
	put(OBJECT, references);
	put(OBJECT + 8, type);
}

static void check_objects(void)
{
	put_plain(1, at(PLAIN));
	CHECK("a block with the header of an object of its size is one", is(name_one(OBJECT, 32), "app.Plain"));
	CHECK("a block of another size is not", is(name_one(OBJECT, 40), "") && is(name_one(OBJECT, 24), ""));
	CHECK("no types are found for a release or build that is not known",
	      (release = "3.7.1", is(name_one(OBJECT, 32), "unknown release")) &&
		      (release = "3.99.0", is(name_one(OBJECT, 32), "unknown release")) &&
		      (release = "3.12.1 free-threaded", is(name_one(OBJECT, 32), "unknown release")));
	release = "3.11.2";
	put_plain(0, at(PLAIN));
	CHECK("an object without references is not live", is(name_one(OBJECT, 32), ""));
	put_plain(at(16), at(PLAIN));
	CHECK("nor is one with an address for its number of references", is(name_one(OBJECT, 32), ""));
	put_plain(1, at(COLLECTED));
	CHECK("a type whose objects begin elsewhere does not count", is(name_one(OBJECT, 24), ""));
	put(OBJECT + 16, 1);
	put(OBJECT + 24, at(COLLECTED));
	put(OBJECT, 0);
	CHECK("after the collector's words it does", is(name_one(OBJECT, 40), "app.Collected"));
	put(OBJECT, 12);
	CHECK("if these can be the collector's", is(name_one(OBJECT, 40), ""));
	put_plain(0, at(PLAIN));
	put_type(COLLECTED, at(TYPE), "app.Collected", TYPE_HAS_GC, 16);
	put(OBJECT + 16, 7);
	put(OBJECT + 24, at(COLLECTED));
	CHECK("one without references, kept to be used again, is none other", is(name_one(OBJECT, 32), ""));
	put(OBJECT + 8, 0);
	CHECK("without its type the other one is", is(name_one(OBJECT, 32), "app.Collected"));
}

/* A free-threaded build: a larger head, with flags, a lock and two counts; no words of the collector's. */
static void check_free_threaded(void)
{
	make_heap();
	release = "3.13.1 free-threaded";
	put(TYPE + 16 + OB_TYPE, at(TYPE));
	for (unsigned i = 0; i < 2; i++) {
		unsigned type = i ? COLLECTED : TYPE;
		put(type + OB_TYPE + 16, at(TYPE));
		put(type + TP_NAME + 16, (uint64_t)(i ? "app.Collected" : "type"));
		put(type + TP_BASICSIZE + 16, i ? 40 : 904);
		put(type + TP_ITEMSIZE + 16, 0);
		put(type + TP_DEALLOC + 16, at(8));
		put(type + TP_FLAGS + 16, TYPE_READY | TYPE_HAS_GC | (i ? 0 : TYPE_TYPE));
		put(type + TP_BASE + 16, 0);
	}
	put(OBJECT + 8, UINT64_C(1) << 32);
	put(OBJECT + 24, at(COLLECTED));
	CHECK("free-threaded: an object that its thread refers to", is(name_one(OBJECT, 40), "app.Collected"));
	put(OBJECT + 8, 0);
	CHECK("one that no thread refers to", is(name_one(OBJECT, 40), ""));
	put(OBJECT + 16, 4);
	CHECK("one that other threads refer to", is(name_one(OBJECT, 40), "app.Collected"));
	put(OBJECT + 8, at(PLAIN) | 0xfff0);
	CHECK("an address is no flags and lock", is(name_one(OBJECT, 40), ""));
	release = "3.11.2";
}

static void check_types(void)
{
	put_plain(1, at(PLAIN));
	put(PLAIN + TP_FLAGS, 0);
	CHECK("a type that is not ready is none", is(name_one(OBJECT, 32), ""));
	put_plain(1, at(PLAIN));
	put(PLAIN + TP_NAME, at(HEAP_BYTES));
	CHECK("nor is one whose name cannot be read", is(name_one(OBJECT, 32), ""));
	put_plain(1, at(PLAIN));
	put(PLAIN + OB_TYPE, at(PLAIN));
	CHECK("nor is one that is its own type", is(name_one(OBJECT, 32), ""));
	put_plain(1, at(PLAIN));
	put(PLAIN + OB_TYPE, at(META));
	put(META + OB_TYPE, at(PLAIN));
	CHECK("nor is one in a circle of types", is(name_one(OBJECT, 32), ""));
	put_plain(1, at(PLAIN));
	put(PLAIN + OB_TYPE, at(META));
	CHECK("a type of a type of types is one", is(name_one(OBJECT, 32), "app.Plain"));
	put_plain(1, at(HEAP_BYTES) - 64);
	CHECK("a type that continues beyond the memory is none", is(name_one(OBJECT, 32), ""));
	put_plain(1, 0xffff800000000000);
	CHECK("nor is an address of the kernel's", is(name_one(OBJECT, 32), ""));
}

static void check_parts(void)
{
	struct census_block blocks[3] = { { .addr = at(OBJECT), .size = 56, .id = 1 },
					  { .addr = at(OBJECT + 64), .size = 80, .id = 2 },
					  { .addr = at(OBJECT + 160), .size = 32, .id = 3 } };
	struct census_block again[3];
	memcpy(again, blocks, sizeof blocks);
	put_plain(0, 0);
	put(OBJECT + 16, 1);
	put(OBJECT + 24, at(LIST));
	put(OBJECT + 16 + LIST_ITEMS, at(OBJECT + 64));
	/* the items look like an object */
	put(OBJECT + 64, 1);
	put(OBJECT + 72, at(PLAIN));
	put(OBJECT + 160, 1);
	put(OBJECT + 168, at(PLAIN));
	CHECK("a list's items are its, whatever they look like", is(name(blocks, 3), "list, list [items], app.Plain"));
	again[1].label = again[2].label = CENSUS_UNSETTLED;
	name(again, 3);
	CHECK("a block that came later is not looked at, and belongs to nothing",
	      again[1].label == CENSUS_UNSETTLED && again[2].label == CENSUS_UNSETTLED);
}

/* A word that may deceive: addresses in the heap and beyond it, flags, small numbers, anything. */
static uint64_t odd_word(unsigned long long *state)
{
	static const uint64_t words[] = {
		0, 1, 2, 0xffffffff, UINT64_MAX, INT64_MIN, TYPE_READY, TYPE_READY | TYPE_HAS_GC | TYPE_LIST,
		TYPE_READY | TYPE_DICT | TYPE_HAS_GC, TYPE_READY | TYPE_STR, TYPE_READY | TYPE_TYPE | TYPE_IS_HEAP,
		TYPE_READY | TYPE_IS_HEAP | TYPE_HAS_GC | TYPE_MANAGED_DICT, TYPE_READY | TYPE_LONG, 16, 24, 32, 40,
	};
	uint64_t r = check_random(state);
	switch (r % 8) {
	case 0: case 1: case 2: return at((unsigned)(r >> 8) % HEAP_BYTES & ~7u);
	case 3: return at((unsigned)(r >> 8) % 64 * 512);	/* the same few again */
	case 4: return at(HEAP_BYTES - 8) + (r >> 8) % 64;
	case 5: return r;
	default: return words[(r >> 8) % N(words)];
	}
}

static void check_anything(void)
{
	static const char *const releases[] = { "3.8.1", "3.9.1", "3.10.1", "3.11.1", "3.12.1", "3.13.1",
					      "3.13.1 free-threaded", "3.14.1", "3.14.1 free-threaded",
					      "3.15.1", "3.15.1 free-threaded" };
	static struct census_block blocks[HEAP_BYTES / 64], again[N(blocks)];
	unsigned long long state = 1;
	unsigned found = 0, different = 0, endless = 0;
	for (unsigned round = 0; round < 1100; round++) {
		release = releases[round % N(releases)];
		for (unsigned i = 0; i < HEAP_BYTES / 8; i++)
			heap[i] = odd_word(&state);
		unsigned more = strchr(release, ' ') ? 16 : 0;	/* free-threaded */
		put_type(TYPE + more, at(TYPE), "type", TYPE_TYPE | TYPE_HAS_GC, 904);
		for (unsigned i = 0; i < 64; i += 2)
			if (i * 512 != TYPE)
				put_type(i * 512 + more, at(i % 8 ? TYPE : (i + 8) % 64 * 512), "odd",
					 odd_word(&state) | (check_random(&state) & 0xf5ff4218),
						check_random(&state) % 6 * 8);
		for (unsigned i = 0; i < N(blocks); i++) {
			unsigned kind = (unsigned)check_random(&state), prefix = kind % 3 * 16;
			blocks[i] = (struct census_block){ .addr = at(i * 64), .size = kind / 4 % 12 * 8, .id = i };
			if (kind & 1) {		/* as an object, of a type or of something else */
				put(i * 64 + prefix, 1);
				put(i * 64 + prefix + 8, more ? UINT64_C(1) << 32 : 0);
				put(i * 64 + prefix + 8 + more, at(kind / 64 % 64 * 512));
			}
		}
		memcpy(again, blocks, sizeof blocks);
		asks_references = true;
		name(blocks, N(blocks));
		endless += n_references > HEAP_BYTES;
		asks_references = false;
		name(again, N(blocks));
		for (unsigned i = 0; i < N(blocks); i++) {
			found += blocks[i].label != 0;
			different += blocks[i].label != again[i].label;
		}
	}
	release = "3.11.2";
	CHECK("a heap of anything is read to its end, twice with the same result",
	      found > 100 && different == 0 && endless == 0);
}

/* Two collected objects, a plain one and a block of C: what refers to what. */
static void check_references(void)
{
	make_heap();
	put_type(COLLECTED, at(TYPE), "app.Collected", TYPE_HAS_GC, 32);
	struct census_block blocks[] = { { .addr = at(8192), .size = 48 }, { .addr = at(9216), .size = 48 },
					 { .addr = at(10240), .size = 32 }, { .addr = at(11264), .size = 64 } };
	for (unsigned i = 8192; i <= 9216; i += 1024) {
		put(i + 16, 1);
		put(i + 24, at(COLLECTED));
	}
	put(8192, at(9216));		/* the collector's list: the next object's block, … */
	put(8192 + 8, at(9216 + 16));	/* … and, as no list has it, the object: these words are left out */
	put(8192 + 32, at(9216 + 16));	/* a reference */
	put(8192 + 40, at(9216));	/* the beginning of the block is no reference to the object */
	put(9216 + 32, at(10240));
	put(9216 + 40, at(10240 + 8));	/* its middle is none */
	put(10240, 1);
	put(10240 + 8, at(PLAIN));
	put(11264, at(8192 + 16));
	put(11264 + 8, at(11264));	/* to itself */
	put(16, at(10240));		/* a root */
	asks_references = true;
	name(blocks, N(blocks));
	CHECK("references are to objects, not from the collector's words, nor to beginnings or middles",
	      is(referred, "8192>9216 9216>10240 11264>8192 0>10240"));
	put(11264 + 16, at(HEAP_BYTES));	/* as if it were a chunk of frames: it cannot be read */
	name(blocks, N(blocks));
	CHECK("an address that cannot be read is no frames'", is(referred, "8192>9216 9216>10240 11264>8192 0>10240"));
	asks_references = false;
}

static void check_sorting(void)
{
	static struct census_block blocks[5000];
	unsigned long long state = 7;
	uint64_t sum = 0, wrong = 0;
	for (size_t i = 0; i < N(blocks); i++) {
		unsigned shift = (unsigned)check_random(&state) % 60;
		blocks[i].addr = (uint64_t)check_random(&state) << 32 >> shift;
		blocks[i].size = blocks[i].addr ^ 1;
		sum += blocks[i].addr;
	}
	census_sort(blocks, N(blocks));
	for (size_t i = 0; i < N(blocks); i++) {
		sum -= blocks[i].addr;
		wrong += blocks[i].size != (blocks[i].addr ^ 1) || (i && blocks[i].addr < blocks[i - 1].addr);
	}
	CHECK("blocks of any addresses are sorted, none is lost", sum == 0 && wrong == 0);
}

static void check_rows(void)
{
	struct census_row row;
	struct census_reading reading;
	struct census_entry e;
	struct mt_str dict = { "dict", 4 }, list = { "list", 4 };
	census_row_init(&row);
	census_row_begin(&row);
	census_row_add(&row, 0x7fffffffff00, UINT32_MAX, dict);
	census_row_add(&row, 0x10, 1, text_empty);
	census_row_add(&row, 0x20, 7, list);
	census_row_add(&row, 0x30, 6, dict);
	struct mt_str info = census_row_done(&row);
	bool began = census_reading_begin(&reading, info);
	CHECK("a row's blocks are read as they were written",
	      began && census_reading_next(&reading, &e) && e.addr == 0x7fffffffff00 && e.id == UINT32_MAX &&
		      e.type.n == 4 && memcmp(e.type.p, "dict", 4) == 0 && census_reading_next(&reading, &e) &&
		      e.addr == 0x10 && e.id == 1 && e.type.n == 0 && e.type_number == 0 &&
		      census_reading_next(&reading, &e) && e.id == 7 && e.type_number == 2 &&
		      census_reading_next(&reading, &e) && e.id == 6 && e.type_number == 1 &&
		      !census_reading_next(&reading, &e));
	census_reading_clear(&reading);
	unsigned blocks = 0;
	for (size_t n = 0; n < info.n; n++) {
		char *part = xmalloc(n + 1);
		memcpy(part, info.p, n);
		census_reading_begin(&reading, (struct mt_str){ part, n });
		while (census_reading_next(&reading, &e))
			blocks++;
		census_reading_clear(&reading);
		free(part);
	}
	CHECK("a damaged row has no more blocks than a whole one", blocks <= 4 * info.n);
	census_row_clear(&row);
}

int main(void)
{
	heap = mmap(NULL, 2 * HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap == MAP_FAILED || mprotect((char *)heap + HEAP_BYTES, HEAP_BYTES, PROT_NONE) < 0)
		return 1;
	check_objects();
	check_free_threaded();
	check_types();
	check_parts();
	check_anything();
	check_references();
	check_sorting();
	check_rows();
	texts_clear(&labels);
	return check_done();
}
