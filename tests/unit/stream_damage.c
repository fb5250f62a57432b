/*
 * stream_damage.c - no file can harm a reader, and everything before a damage is used
 */
#include <msgpack.h>
#include <sys/resource.h>

#include "mp.h"
#include "stream.h"

/* Returns the number of whole objects that msgpack-c finds in n bytes. */
static size_t count_objects(const uint8_t *p, size_t n)
{
	size_t at = 0, count = 0;
	msgpack_unpacked u;

	msgpack_unpacked_init(&u);
	while (msgpack_unpack_next(&u, (const char *)p, n, &at) > 0)
		count++;
	msgpack_unpacked_destroy(&u);
	return count;
}

/* Checks that a damaged trace gives a prefix of its events and an error text, never more. */
static bool prefix_and_told(const struct events *got, const struct events *whole)
{
	return got->end < 0 && got->error != NULL && got->n <= whole->n && begins_alike(got, whole, got->n);
}

static void test_cuts(const struct events *small, const struct events *big)
{
	struct bytes packed = trace_of(small->v, small->n, MT_COMPRESSED);
	struct bytes stored = trace_of(small->v, small->n, MT_STORED), rows = unpacked(packed);
	struct bytes large = trace_of(big->v, big->n, MT_COMPRESSED);
	bool told = true, all = true, large_told = true;
	size_t most = 0;

	for (size_t n = 0; n < packed.n; n++) {
		struct events a = read_bytes(packed.p, n);
		told &= prefix_and_told(&a, small);
		events_free(&a);
	}
	for (size_t n = 0; n < stored.n; n++) {
		struct events a = read_bytes(stored.p, n);
		told &= prefix_and_told(&a, small);
		events_free(&a);
	}
	CHECK("a small trace cut at any length gives its beginning and an error", told);
	for (size_t n = 1; n < rows.n; n++) {
		struct events a = read_bytes(rows.p, n);
		told &= prefix_and_told(&a, small);
		/* Of the whole rows before the cut, context rows are not events, and rows of stacks are several. */
		size_t objects = count_objects(rows.p, n), events = 0, at = 0, size;
		for (size_t i = 0; i < objects; i++, at += size) {
			mp_measure(rows.p + at, rows.n - at, &size);
			bool array = (rows.p[at] & 0xf0) == 0x90;
			if (i > 0 && array && rows.p[at + 1] == 35)
				events += (rows.p[at] & 15u) - 2;
			else if (i > 0 && !(array && rows.p[at + 1] >= 48 && rows.p[at + 1] <= 51))
				events++;
		}
		all &= objects == 0 ? !a.opened : a.n == events;
		events_free(&a);
	}
	CHECK("in a trace cut at any length every whole row is read", told && all);
	for (int i = 0; i < 200; i++) {
		size_t n = below(large.n);
		struct events a = read_bytes(large.p, n);
		large_told &= prefix_and_told(&a, big);
		most = a.n > most ? a.n : most;
		events_free(&a);
	}
	CHECK("a big trace cut at 200 random lengths gives its beginning and an error",
	      large_told && most > big->n / 2);
	free(packed.p);
	free(stored.p);
	free(rows.p);
	free(large.p);
}

/* Flips bits; everything before the flip must be read, and reading must end. */
static bool survives_flip(struct bytes b, const struct events *whole, bool checked)
{
	size_t bit = below(8 * b.n);

	b.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	struct events a = read_bytes(b.p, b.n);
	b.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	/* Block checksums find every flip; without them some flips make another valid trace. */
	bool good = (a.end < 0) == (a.error != NULL) && (!checked || a.n > whole->n || prefix_and_told(&a, whole) ||
							(a.end == 0 && equal(&a, whole)));
	events_free(&a);
	return good;
}

static void test_flips(const struct events *middle)
{
	struct bytes packed = trace_of(middle->v, middle->n, MT_COMPRESSED);
	struct bytes stored = trace_of(middle->v, middle->n, MT_STORED), rows = unpacked(packed);
	bool good = true;

	for (int i = 0; i < 800; i++)
		good &= survives_flip(packed, middle, true);
	CHECK("800 flipped bits in a compressed trace give a prefix and an error", good);
	for (int i = 0; i < 600; i++)
		good &= survives_flip(stored, middle, false) && survives_flip(rows, middle, false);
	CHECK("1200 flipped bits in stored and bare traces: reading ends", good);
	free(packed.p);
	free(stored.p);
	free(rows.p);
}

static void test_damaged_block(const struct events *big)
{
	struct bytes b = trace_of(big->v, big->n, MT_COMPRESSED);

	b.p[b.n - 2000] ^= 0xff;
	struct events a = read_bytes(b.p, b.n);
	CHECK("damage near the end of a compressed trace costs only its last blocks",
	      prefix_and_told(&a, big) && a.n > big->n / 10 * 9 && strstr(a.error, "damaged at byte ") != NULL);
	events_free(&a);

	b.p[b.n - 2000] ^= 0xff;
	b.p = realloc(b.p, b.n + 9);
	memcpy(b.p + b.n, "garbage!!", 9);
	a = read_bytes(b.p, b.n + 9);
	CHECK("garbage after a trace is reported, the trace is whole", equal(&a, big) && a.end < 0 &&
	      strstr(a.error, "not an LZ4 frame") != NULL);
	events_free(&a);
	free(b.p);
}

/* Rows made by hand, after a valid header. */
static struct bytes rows_by_hand(const void *rows, size_t n)
{
	struct mt_header *h = some_header();
	struct bytes b = { malloc(h->raw_size + n), h->raw_size + n };

	memcpy(b.p, h->raw, h->raw_size);
	memcpy(b.p + h->raw_size, rows, n);
	mt_header_free(h);
	return b;
}

static struct events read_rows(const void *rows, size_t n)
{
	struct bytes b = rows_by_hand(rows, n);
	struct events l = read_bytes(b.p, b.n);

	free(b.p);
	return l;
}

#define ROWS(literal) read_rows(literal, sizeof literal - 1)

static bool damaged_after(struct events l, size_t n)
{
	bool r = l.opened && l.n == n && l.end < 0 && l.error != NULL && strstr(l.error, "damaged") != NULL;

	events_free(&l);
	return r;
}

/* Damage after the first n events, near the end of the bytes and far from it, where the hot path reads rows. */
static bool refused_after(size_t n, const char *rows, size_t size)
{
	static const char good[3] = "\x92\x01\x0a";
	size_t more = size + 100 * sizeof good;
	char *p = malloc(more);

	memcpy(p, rows, size);
	for (size_t at = size; at < more; at += sizeof good)
		memcpy(p + at, good, sizeof good);
	bool r = damaged_after(read_rows(rows, size), n) && damaged_after(read_rows(p, more), n);
	free(p);
	return r;
}

#define refused(literal) refused_after(0, literal, sizeof literal - 1)
#define refused_after_one(literal) refused_after(1, literal, sizeof literal - 1)
#define refused_after_three(literal) refused_after(3, literal, sizeof literal - 1)
#define FUNCTION_AND_FRAME "\x96\x21\x01\xa1" "f\xa1" "f\x01\xa0" "\x93\x22\x00\x00"

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static bool deep_nesting_refused(void)
{
	size_t n = 1u << 20;
	uint8_t *p = malloc(n);

	memset(p, 0x91, n);
	bool r = damaged_after(read_rows(p, n), 0);
	free(p);
	return r;
}

static bool huge_map_refused(void)
{
	static const char map[] = "\xdf\xff\xff\xff\xff\xa6" "format\xa8" "memtrace";
	struct events l = read_bytes(map, sizeof map - 1);
	bool r = !l.opened && l.error != NULL;

	events_free(&l);
	return r;
}

/* A compressed header of many small objects would need much memory in msgpack-c. */
static bool large_header_refused(void)
{
	size_t n = 15u << 20;
	uint8_t *p = calloc(1, n);

	p[0] = 0xdd;
	memcpy(p + 1, "\x00\xef\xff\xf0", 4);
	uint8_t *map = malloc(n + 3);
	memcpy(map, "\x81\xa1k", 3);
	memcpy(map + 3, p, n);
	struct events l = read_bytes(map, n + 3);
	bool r = !l.opened;
	events_free(&l);
	free(p);
	free(map);
	return r;
}

static void test_hostile(void)
{
	long before = peak_kib();

	CHECK("an array of 2^32-1 items is refused", refused("\xdd\xff\xff\xff\xff\x01\x02"));
	CHECK("a text of 2^32-1 bytes is refused", refused("\x93\x26\x01\xdb\xff\xff\xff\xff" "abc"));
	CHECK("a map inside a row of 2^32-1 pairs is refused", refused("\x93\x24\x01\xdf\xff\xff\xff\xff"));
	CHECK("a million nested arrays are refused", deep_nesting_refused());
	CHECK("a header of 2^32-1 pairs is refused", huge_map_refused());
	CHECK("a header of 15 MiB is refused", large_header_refused());
	CHECK("all of this took less than 128 MiB", peak_kib() - before < 128 << 10);

	CHECK("an unused byte is refused", refused("\xc1"));
	CHECK("text between rows is refused", refused("\xa3" "abc"));
	CHECK("an empty row is refused", refused("\x90"));
	CHECK("a row of kind 0 is refused", refused("\x92\x00\x01"));
	CHECK("a row whose kind is text is refused", refused("\x92\xa1x\x01"));
	CHECK("an allocation without a size is refused", refused("\x91\x01"));
	CHECK("an allocation with too many fields is refused", refused("\x96\x01\x01\x00\x01\x01\x01"));
	CHECK("an allocation of negative size is refused", refused("\x92\x01\xff"));
	CHECK("an allocation of weight 0 is refused", refused("\x95\x01\x01\x00\x01\x00"));
	CHECK("an allocation from an undefined stack is refused", refused("\x93\x01\x01\x01"));
	CHECK("an allocation like the last one is refused if there was none", refused("\x05"));
	CHECK("an allocation like the last one is refused after a sync",
	      refused_after_one("\x92\x01\x05\x94\x33\x00\x00\x00\x05"));
	CHECK("an allocation whose implied id would be past the last one is refused",
	      refused_after_one("\x94\x01\x05\x00\xce\xff\xff\xff\xff\x05"));
	CHECK("an id below 0 is refused", refused("\xfe"));
	CHECK("an id over 2^32-1 is refused", refused("\xd3\xff\xff\xff\xfd\xff\xff\xff\xff"));
	CHECK("an id far below 0 is refused", refused("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"));
	CHECK("a difference over 2^63-1 is refused", refused("\x94\x01\x01\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
	CHECK("a frame of an undefined function is refused", refused("\x93\x22\x01\x01"));
	CHECK("a stack of an undefined frame is refused", refused("\x93\x23\x00\x01"));
	CHECK("a row whose second stack has an undefined frame is refused; the first stack is used",
	      refused_after_three(FUNCTION_AND_FRAME "\x94\x23\x00\x00\x01"));
	CHECK("a row whose second stack is text is refused; the first stack is used",
	      refused_after_three(FUNCTION_AND_FRAME "\x94\x23\x00\x00\xa1x"));
	CHECK("a stack with an undefined parent is refused", refused("\x93\x23\x01\x00"));
	CHECK("a header in the middle without a format is refused", refused("\x80"));
}

static bool undefined_refused_in_long_trace(void)
{
	char rows[200];

	memset(rows, -3, sizeof rows);	/* frees of 1, 2, 3, … */
	memcpy(rows + 50, "\x93\x01\x01\x05", 4);
	struct events l = read_rows(rows, sizeof rows);
	bool r = l.n == 50 && l.end < 0 && strstr(l.error, "invalid row") != NULL;

	events_free(&l);
	return r;
}

/* Allocations and frees with integers of every legal size. */
static void test_other_encodings(void)
{
	struct events a =
	    ROWS("\x92\x01\x05\xcc\x05\xcd\x00\x05\xce\x00\x00\x00\x05\xcf\x00\x00\x00\x00\x00\x00\x00\x05"
		 "\xd0\x05\xd1\x00\x05\xd2\x00\x00\x00\x05\xd3\x00\x00\x00\x00\x00\x00\x00\x05"
		 "\xff\xd0\xfe\xd1\xff\xfe\xd2\xff\xff\xff\xfe\xd3\xff\xff\xff\xff\xff\xff\xff\xfe");
	bool right = a.n == 14;

	for (uint32_t i = 0; i < 14 && right; i++)
		right = i < 9
			    ? a.v[i].kind == MT_ALLOC && a.v[i].id == i + 1 && a.v[i].size == 5 && a.v[i].allocator == 1
			    : a.v[i].kind == MT_FREE && a.v[i].id == 9 - (i - 9);
	CHECK("every encoding of an integer is read", right);
	events_free(&a);

	char wide[] = "\xdd\x00\x00\x00\x05\xcd\x00\x0a\xd3\x00\x00\x00\x00\x00\x00\x00\x07\xd2\x00\x00\x00\x00"
		      "\xcf\x00\x00\x00\x00\x00\x00\x00\x09\xcf\x00\x00\x00\x00\x00\x00\x00\x03"
		      "\xdc\x00\x03\x3f\x01\x00";
	a = read_rows(wide, sizeof wide - 1);
	CHECK("an allocation in the widest encoding is read, and agrees with the end's count",
	      a.end == 0 && a.n == 2 && a.v[0].kind == MT_ALLOC && a.v[0].allocator == MT_MMAP &&
	      a.v[0].id == 9 && a.v[0].size == 7 && a.v[0].stack == 0 && a.v[0].weight == 3);
	events_free(&a);
	char stacks[] = FUNCTION_AND_FRAME "\xdc\x00\x12\x23\x00" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x93\x3f\x00\x00";
	a = read_rows(stacks, sizeof stacks - 1);
	CHECK("a row of sixteen stacks is read: each is the parent of the next",
	      a.end == 0 && a.n == 19 && a.v[17].kind == MT_STACK && a.v[17].stack == 16 && a.v[17].parent == 15 &&
	      a.v[17].frame == 1);
	events_free(&a);
	CHECK("damage far from the end of the bytes is found too", undefined_refused_in_long_trace());
}

static void test_unknown_kinds(void)
{
	struct events a = ROWS("\x93\x3e\xa1x\x01\x92\xcd\xff\xff\xc0\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\x92\x1e\x02\x93\x3f\x01\x00");

	CHECK("rows of unknown kinds are returned unchanged, reserved allocators as allocations",
	      a.end == 0 && a.n == 5 && a.v[0].kind == MT_OTHER && a.v[1].kind == MT_OTHER &&
	      a.v[2].kind == MT_OTHER && a.v[1].info.n == 5 && a.v[3].kind == MT_ALLOC && a.v[3].allocator == 30);
	events_free(&a);
}

static void test_ends(void)
{
	struct events a = ROWS("\x92\x01\x02\x93\x3f\x03\x02");
	CHECK("an end with larger counts gives an error with the missing numbers", a.n == 1 && a.end < 0 &&
	      strstr(a.error, "2 allocations and 2 frees are missing") != NULL);
	events_free(&a);
	a = ROWS("\xff\x93\x3f\x00\x00");
	CHECK("an end with smaller counts is damage", a.n == 1 && a.end < 0);
	events_free(&a);
	a = ROWS("\xff");
	CHECK("a trace without an end is cut off", a.n == 1 && a.end < 0 && strstr(a.error, "cut off after ") != NULL);
	events_free(&a);
	a = ROWS("\x93\x3f\x00\x00\xff");
	CHECK("rows after the end are damage", a.n == 1 && a.v[0].kind == MT_END && a.end < 0);
	events_free(&a);
}

int main(void)
{
	struct events small = as_list(all_kinds, N(all_kinds)), middle = random_events(20000);
	struct events big = random_events(300000);

	test_hostile();		/* first, as it checks the peak memory of the process */
	test_cuts(&small, &big);
	test_flips(&middle);
	test_damaged_block(&big);
	test_other_encodings();
	test_unknown_kinds();
	test_ends();
	events_free(&small);
	events_free(&middle);
	events_free(&big);
	return check_done();
}
