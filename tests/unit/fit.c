/*
 * fit.c - fitting text into columns
 */
#include "fit.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static bool becomes(const char *text, size_t columns, const char *expected)
{
	char *got = fit(text, columns);
	bool same = strcmp(got, expected) == 0;

	free(got);
	return same;
}

int main(void)
{
	CHECK("fitting text is unchanged", becomes("abc", 3, "abc") && becomes("", 0, "") && becomes("äöü", 3, "äöü"));
	CHECK("longer text loses its middle", becomes("abcdefgh", 5, "ab…gh") && becomes("abcdefgh", 4, "a…gh"));
	CHECK("characters are counted, not bytes", becomes("äöüäöü", 4, "ä…öü"));
	CHECK("one column has room for the dots only, zero columns for nothing",
	      becomes("abc", 1, "…") && becomes("abc", 0, ""));
	return check_done();
}
