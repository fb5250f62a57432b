/*
 * pylayout.c - the offsets that an interpreter publishes are read and checked
 *
 * The recordings are _Py_DebugOffsets of three builds, byte for byte. They are
 * from builds whose thread id has four bytes: `datastack_chunk` and the interpreter's `gc` are 8 too low.
 */
#include "pylayout.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pytables.h"

#define EXPECT(condition) do { if (!(condition)) return false; } while (0)

static const char py3_14_6[] =
	"7864656275677079f0060e03000000000000000000000000d0d00400000000001003000000000000"
	"28030000000000008871030000000000701c000000000000681c000000000000a81c000000000000"
	"b81c000000000000e81c000000000000001e000000000000f01d000000000000f81d000000000000"
	"1000000000000000581e0000000000000000000000000000681e000000000000601e000000000000"
	"901e0000000000000000000000000000380300000000000000000000000000000800000000000000"
	"1000000000000000480000000000000098000000000000009c00000000000000e000000000000000"
	"20000000000000005800000000000000080000000000000000000000000000003800000000000000"
	"50000000000000004a0000000000000040000000000000000000000000000000d800000000000000"
	"70000000000000007800000000000000800000000000000088000000000000004400000000000000"
	"340000000000000060000000000000006800000000000000d0000000000000000000000000000000"
	"10000000000000000800000000000000a00100000000000018000000000000005800000000000000"
	"a8000000000000002800000000000000200000000000000010000000000000002800000000000000"
	"18000000000000001000000000000000c80000000000000018000000000000002800000000000000"
	"20000000000000003000000000000000200000000000000028000000000000001800000000000000"
	"10000000000000002000000000000000100000000000000018000000000000002800000000000000"
	"10000000000000002000000000000000400000000000000020000000000000001000000000000000"
	"280000000000000008010000000000";
static const char py3_14_6t[] =
	"7864656275677079f0060e03000000000100000000000000c0830500000000001003000000000000"
	"280300000000000000c3030000000000701c000000000000681c000000000000a81c000000000000"
	"b81c000000000000e81c000000000000181e000000000000081e000000000000101e000000000000"
	"1000000000000000701e0000000000000000000000000000801e000000000000781e000000000000"
	"a81e0000000000001c44000000000000380300000000000000000000000000000800000000000000"
	"1000000000000000480000000000000098000000000000009c00000000000000e000000000000000"
	"20000000000000005800000000000000080000000000000000000000000000003800000000000000"
	"50000000000000004e0000000000000040000000000000004800000000000000f000000000000000"
	"80000000000000008800000000000000900000000000000098000000000000005400000000000000"
	"440000000000000070000000000000007800000000000000e800000000000000e000000000000000"
	"20000000000000001800000000000000b00100000000000028000000000000006800000000000000"
	"b8000000000000003800000000000000300000000000000020000000000000003800000000000000"
	"28000000000000002000000000000000d80000000000000028000000000000003800000000000000"
	"30000000000000004000000000000000300000000000000038000000000000002800000000000000"
	"20000000000000003000000000000000200000000000000028000000000000003800000000000000"
	"20000000000000003000000000000000500000000000000030000000000000002000000000000000"
	"380000000000000020010000000000";
static const char py3_15_rc1[] =
	"7864656275677079c1000f03000000000000000000000000a0440500000000009003000000000000"
	"a803000000000000f872030000000000681c000000000000601c000000000000a01c000000000000"
	"b01c000000000000e01c000000000000a01d000000000000901d000000000000981d000000000000"
	"1000000000000000281e0000000000000000000000000000381e000000000000301e000000000000"
	"601e0000000000000000000000000000700300000000000000000000000000000800000000000000"
	"10000000000000004800000000000000500000000000000058000000000000006000000000000000"
	"b000000000000000b400000000000000f80000000000000020000000000000002400000000000000"
	"28000000000000008800000000000000180100000000000000000000000000005800000000000000"
	"08000000000000000000000000000000380000000000000050000000000000004a00000000000000"
	"40000000000000000000000000000000d80000000000000070000000000000007800000000000000"
	"80000000000000008800000000000000440000000000000034000000000000006000000000000000"
	"6800000000000000d000000000000000000000000000000010000000000000000800000000000000"
	"a80100000000000018000000000000005800000000000000a8000000000000002000000000000000"
	"2001000000000000b003000000000000780300000000000028000000000000002000000000000000"
	"1000000000000000280000000000000018000000000000001000000000000000c800000000000000"
	"18000000000000002800000000000000200000000000000030000000000000002000000000000000"
	"28000000000000001800000000000000100000000000000020000000000000001000000000000000"
	"18000000000000002800000000000000100000000000000020000000000000004000000000000000"
	"200000000000000010000000000000002800000000000000380000000000000000";

#define WORDS 128
static uint64_t words[WORDS];

/* The index of a word in the recordings: header 3, runtime 3, interpreter 16, then the thread state. */
enum {
	HEX = 1, FREE_THREADED = 2, INTERP_GC = 11, TSTATE = 22, TSTATE_FRAME = TSTATE + 4, TSTATE_CHUNK = TSTATE + 7,
	FRAME = 31,
};
/* The collector's group, after the recordings' end. */
enum { GC_14 = 22 + 9 + 8 + 11 + 2 + 4 + 3 + 3 + 4 + 3 + 2 + 3 + 3 + 4, GC_15 = GC_14 + 7 + 1 + 2 + 2 + 1 };

static uint32_t load(const char *hex)
{
	memset(words, 0, sizeof words);
	for (size_t i = 0; hex[2 * i] && i < sizeof words; i++) {
		unsigned byte;
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return 0;
		((uint8_t *)words)[i] = (uint8_t)byte;
	}
	return (uint32_t)words[HEX];
}

static void set_collector(size_t group, uint64_t size, uint64_t collecting)
{
	words[INTERP_GC] += 8;
	words[group] = size;
	words[group + 1] = collecting;
}

static bool a_build_with_a_global_lock_is_the_table(void)
{
	struct py_layout o;
	uint32_t hex = load(py3_14_6);
	words[TSTATE_CHUNK] += 8;
	set_collector(GC_14, 264, 192);
	EXPECT(layout_published(&o, words, hex));
	EXPECT(memcmp(&o, &py314, sizeof o) == 0);
	return true;
}

static bool a_free_threaded_build_is_read(void)
{
	struct py_layout o;
	uint32_t hex = load(py3_14_6t);
	words[TSTATE_CHUNK] += 8;
	EXPECT(layout_published(&o, words, hex));
	EXPECT(o.free_threaded && o.f_owner == 78 && o.f_mark == 79 && o.f_tlbc == 72 && o.ts_tracefunc == 88);
	EXPECT(o.co_filename == 128 && o.co_qualname == 144 && o.co_lines == 152 && o.co_bytecode == 232 &&
	       o.co_tlbc == 224);
	EXPECT(o.ob_type == 24 && o.bytes_size == 32 && o.bytes_data == 48 && o.tp_dealloc == 64);
	EXPECT(o.str_length == 32 && o.str_state == 48 && o.str_ascii == 56 && o.str_compact == 72 &&
	       o.str_kind_shift == 8);
	return true;
}

static bool a_release_candidate_is_read(void)
{
	struct py_layout o;
	uint32_t hex = load(py3_15_rc1);
	EXPECT(layout_published(&o, words, hex));
	EXPECT(o.minor == 15 && o.ts_frame == 72 && o.ts_thread_id == 176 && o.ts_chunk == 248 &&
	       o.ts_tracefunc == 112);
	EXPECT(o.f_code == 0 && o.f_back == 8 && o.f_instr == 56 && o.f_owner == 74 && o.f_mark == 75);
	EXPECT(o.co_filename == 112 && o.co_bytecode == 208 && o.rt_finalizing == 912 && o.rt_interpreters == 936);
	EXPECT(o.interp_next == 7264 && o.tp_dealloc == 48);
	words[TSTATE + 10] += 8;		/* datastack_chunk */
	set_collector(GC_15, 176, 112);
	EXPECT(layout_published(&o, words, hex));
	EXPECT(memcmp(&o, &py315, sizeof o) == 0);
	return true;
}

/* All else is read as if it were. */
static bool a_collector_that_cannot_be_is_not_watched(void)
{
	static const uint64_t wrong[][2] = { { 0, 0 }, { 264, 264 }, { UINT64_MAX, 8 } };
	for (size_t i = 0; i < 3; i++) {
		struct py_layout o;
		uint32_t hex = load(py3_14_6);
		set_collector(GC_14, wrong[i][0], wrong[i][1]);
		EXPECT(layout_published(&o, words, hex));
		EXPECT(o.interp_collecting == -1 && o.rt_collecting == -1 && o.f_owner == 74);
	}
	return true;
}

static bool a_prerelease_is_refused(void)
{
	struct py_layout o;
	load(py3_15_rc1);
	for (uint32_t hex = 0x030f00a1; hex <= 0x030f00b4; hex += 0x13) {
		words[HEX] = hex;
		EXPECT(!layout_published(&o, words, hex));
	}
	return true;
}

static bool what_is_newer_or_contradicts_itself_is_refused(void)
{
	struct py_layout o;
	uint32_t hex = load(py3_14_6);
	EXPECT(!layout_published(&o, words, hex + 0x100));
	words[HEX] = 0x031000f0;
	EXPECT(!layout_published(&o, words, 0x031000f0));
	load(py3_14_6);
	words[0]++;
	EXPECT(!layout_published(&o, words, hex));
	load(py3_14_6);
	words[FREE_THREADED] = 2;
	EXPECT(!layout_published(&o, words, hex));
	load(py3_14_6);
	words[FRAME + 1] = words[FRAME];	/* a field beyond its struct */
	EXPECT(!layout_published(&o, words, hex));
	return true;
}

static bool no_early_stop_where_the_neighbours_moved(void)
{
	struct py_layout o;
	uint32_t hex = load(py3_14_6);
	words[TSTATE_CHUNK] += 8;
	words[TSTATE_FRAME] += 8;
	EXPECT(layout_published(&o, words, hex));
	EXPECT(o.ts_frame == 80 && o.ts_tracefunc == -1);
	return true;
}

static bool no_mark_where_the_collector_reads_it(void)
{
	struct py_layout o;
	load(py3_14_6);
	words[TSTATE_CHUNK] += 8;
	words[HEX] = 0x030e04f0;
	EXPECT(layout_published(&o, words, 0x030e04f0));
	EXPECT(o.f_mark == -1 && o.ts_tracefunc == 88);
	return true;
}

int main(void)
{
	CHECK("a build with a global lock agrees with the table", a_build_with_a_global_lock_is_the_table());
	CHECK("a free-threaded build is read", a_free_threaded_build_is_read());
	CHECK("a release candidate is read", a_release_candidate_is_read());
	CHECK("a collector whose word cannot be there is not watched", a_collector_that_cannot_be_is_not_watched());
	CHECK("a prerelease is refused", a_prerelease_is_refused());
	CHECK("newer or contradictory offsets are refused", what_is_newer_or_contradicts_itself_is_refused());
	CHECK("no early stops if neighbouring fields moved", no_early_stop_where_the_neighbours_moved());
	CHECK("no marks in a field that the garbage collector reads", no_mark_where_the_collector_reads_it());
	return check_done();
}
