/*
 * pylines.c - line tables small enough to read by hand, and tables that are none
 */
#include "pylines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void lnotab_counts_lines_from_the_byte_they_lead_to(void)
{
	/* first line 10; byte 4: line 11; byte 10: line 9; byte 265 (two steps): line 12 */
	static const uint8_t t[] = { 4, 1, 6, 0xfe, 255, 0, 0, 3 };
	for (unsigned minor = 8; minor <= 9; minor++) {
		assert(py_line(minor, t, sizeof t, 10, -1) == 10);
		assert(py_line(minor, t, sizeof t, 10, 0) == 10);
		assert(py_line(minor, t, sizeof t, 10, 3) == 10);
		assert(py_line(minor, t, sizeof t, 10, 4) == 11);
		assert(py_line(minor, t, sizeof t, 10, 10) == 9);
		assert(py_line(minor, t, sizeof t, 10, 264) == 9);
		assert(py_line(minor, t, sizeof t, 10, 265) == 12);
		assert(py_line(minor, t, sizeof t, 10, 100000) == 12);
		assert(py_line(minor, NULL, 0, 10, 4) == 10);
	}
}

static void pep626_has_ranges_and_no_lines(void)
{
	/* bytes 0-3: line 11; 4-5: none; 6-9: line 13 */
	static const uint8_t t[] = { 4, 1, 2, 0x80, 4, 2 };
	assert(py_line(10, t, sizeof t, 10, -1) == 10);
	assert(py_line(10, t, sizeof t, 10, 0) == 11);
	assert(py_line(10, t, sizeof t, 10, 2) == 11);
	assert(py_line(10, t, sizeof t, 10, 4) == -1);
	assert(py_line(10, t, sizeof t, 10, 6) == 13);
	assert(py_line(10, t, sizeof t, 10, 10) == -1);
	assert(py_line(10, t, 5, 10, 6) == -1);
}

static void pep657_has_entries_of_every_kind(void)
{
	static const uint8_t t[] = {
		0x80 | 0 << 3 | 1, 0x00,			/* 0-3: same line, short columns */
		0x80 | 11 << 3 | 0, 1, 2,			/* 4-5: one line on */
		0x80 | 13 << 3 | 0, 0x03,			/* 6-7: one line back */
		0x80 | 14 << 3 | 7, 0x40 | 16, 2, 0, 1, 0x41, 1,	/* 8-23: 72 lines on (16 + 2 * 64 = 144, halved), three columns */
		0x80 | 15 << 3 | 0,				/* 24-25: none */
		0x80 | 10 << 3 | 0, 1, 2,			/* 26-27: the line as before */
	};
	for (unsigned minor = 11; minor <= 15; minor++) {
		assert(py_line(minor, t, sizeof t, 10, -1) == 10);
		assert(py_line(minor, t, sizeof t, 10, 0) == 10);
		assert(py_line(minor, t, sizeof t, 10, 4) == 11);
		assert(py_line(minor, t, sizeof t, 10, 6) == 10);
		assert(py_line(minor, t, sizeof t, 10, 8) == 82);
		assert(py_line(minor, t, sizeof t, 10, 23) == 82);
		assert(py_line(minor, t, sizeof t, 10, 24) == -1);
		assert(py_line(minor, t, sizeof t, 10, 26) == 82);
		assert(py_line(minor, t, sizeof t, 10, 28) == -1);
	}
}

static void an_unknown_version_has_no_lines(void)
{
	static const uint8_t t[] = { 4, 1 };
	assert(py_line(0, t, sizeof t, 10, 0) == -1);
	assert(py_line(7, t, sizeof t, 10, -1) == -1);
}

/* Read to the last byte and no further: each table ends where its memory ends (run under valgrind or ASan). */
static void any_bytes_will_do(void)
{
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % 40;
		uint8_t *t = malloc(n ? n : 1);
		assert(t);
		for (size_t j = 0; j < n; j++)
			t[j] = (uint8_t)(random() % 3 ? random() : 0xff);
		for (unsigned minor = 8; minor <= 15; minor++)
			for (int lasti = -1; lasti < 200; lasti += 7)
				py_line(minor, t, n, 1, lasti);
		free(t);
	}
}

int main(void)
{
	lnotab_counts_lines_from_the_byte_they_lead_to();
	pep626_has_ranges_and_no_lines();
	pep657_has_entries_of_every_kind();
	an_unknown_version_has_no_lines();
	any_bytes_will_do();
	return 0;
}
