/*
 * pylines.c - line tables small enough to read by hand, and invalid tables
 */
#include "pylines.h"

#include <stdbool.h>
#include <stdlib.h>
#include "check.h"

#define EXPECT(condition) do { if (!(condition)) return false; } while (0)

/* Searches from the beginning. */
static int line_of(enum wire_lines format, const uint8_t *table, size_t n, int first_line, int lasti)
{
	return py_line(&(struct py_place){ 0 }, format, table, n, first_line, lasti);
}

static bool lnotab_counts_lines_from_the_byte_they_lead_to(void)
{
	/* first line 10; byte 4: line 11; byte 10: line 9; byte 265 (two steps): line 12 */
	static const uint8_t t[] = { 4, 1, 6, 0xfe, 255, 0, 0, 3 };
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, -1) == 10);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 0) == 10);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 3) == 10);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 4) == 11);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 10) == 9);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 264) == 9);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 265) == 12);
	EXPECT(line_of(WIRE_LINES_LNOTAB, t, sizeof t, 10, 100000) == 12);
	EXPECT(line_of(WIRE_LINES_LNOTAB, NULL, 0, 10, 4) == 10);
	return true;
}

static bool pep626_has_ranges_and_no_lines(void)
{
	/* bytes 0-3: line 11; 4-5: none; 6-9: line 13 */
	static const uint8_t t[] = { 4, 1, 2, 0x80, 4, 2 };
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, -1) == 10);
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, 0) == 11);
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, 2) == 11);
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, 4) == -1);
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, 6) == 13);
	EXPECT(line_of(WIRE_LINES_PEP626, t, sizeof t, 10, 10) == -1);
	EXPECT(line_of(WIRE_LINES_PEP626, t, 5, 10, 6) == -1);
	return true;
}

static bool pep657_has_entries_of_every_kind(void)
{
	static const uint8_t t[] = {
		0x80 | 0 << 3 | 1, 0x00,			/* 0-3: same line, short columns */
		0x80 | 11 << 3 | 0, 1, 2,			/* 4-5: one line on */
		0x80 | 13 << 3 | 0, 0x03,			/* 6-7: one line back */
		/* 8-23: 72 lines on (16 + 2 * 64 = 144, halved), three columns */
		0x80 | 14 << 3 | 7, 0x40 | 16, 2, 0, 1, 0x41, 1,
		0x80 | 15 << 3 | 0,				/* 24-25: none */
		0x80 | 10 << 3 | 0, 1, 2,			/* 26-27: the line as before */
	};
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, -1) == 10);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 0) == 10);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 4) == 11);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 6) == 10);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 8) == 82);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 23) == 82);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 24) == -1);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 26) == 82);
	EXPECT(line_of(WIRE_LINES_PEP657, t, sizeof t, 10, 28) == -1);
	return true;
}

static bool an_unknown_format_has_no_lines(void)
{
	static const uint8_t t[] = { 4, 1 };
	EXPECT(line_of(WIRE_LINES_NONE, t, sizeof t, 10, 0) == -1);
	EXPECT(line_of((enum wire_lines)200, t, sizeof t, 10, -1) == -1);
	return true;
}

/* Reads must end at the last byte: each table ends where its memory ends (run under valgrind or ASan). */
static bool any_bytes_will_do(void)
{
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % 40;
		uint8_t *t = malloc(n ? n : 1);
		EXPECT(t);
		for (size_t j = 0; j < n; j++)
			t[j] = (uint8_t)(random() % 3 ? random() : 0xff);
		for (enum wire_lines f = WIRE_LINES_LNOTAB; f <= WIRE_LINES_PEP657; f++)
			for (int lasti = -1; lasti < 200; lasti += 7)
				line_of(f, t, n, 1, lasti);
		free(t);
	}
	return true;
}

/* One position for all searches in a table, in any order. */
static bool going_on_from_the_last_place_finds_the_same(void)
{
	srandom(2);
	for (int i = 0; i < 5000; i++) {
		uint8_t t[60];
		for (size_t j = 0; j < sizeof t; j++)
			t[j] = (uint8_t)random() % (random() % 3 ? 12 : 255) | (random() % 2 ? 0x80 : 0);
		for (enum wire_lines f = WIRE_LINES_LNOTAB; f <= WIRE_LINES_PEP657; f++) {
			struct py_place place = { 0 };
			for (int k = 0; k < 40; k++) {
				int lasti = (int)(random() % 120) - 2;
				EXPECT(py_line(&place, f, t, sizeof t, 7, lasti) == line_of(f, t, sizeof t, 7, lasti));
			}
		}
	}
	return true;
}

int main(void)
{
	CHECK("lnotab: lines begin at the byte to which they refer", lnotab_counts_lines_from_the_byte_they_lead_to());
	CHECK("pep626: ranges, also without lines", pep626_has_ranges_and_no_lines());
	CHECK("pep657: entries of every kind", pep657_has_entries_of_every_kind());
	CHECK("an unknown format has no lines", an_unknown_format_has_no_lines());
	CHECK("any bytes are read safely", any_bytes_will_do());
	CHECK("continuing from the last position finds the same", going_on_from_the_last_place_finds_the_same());
	return check_done();
}
