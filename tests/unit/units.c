/*
 * units.c - sizes as users write them, and as reports show them
 */
#include "units.h"

#include <string.h>

#include "check.h"

static bool parses_to(const char *text, uint64_t want)
{
	uint64_t got = want + 1;

	return parse_size(text, &got) && got == want;
}

static bool is_no_size(const char *text)
{
	uint64_t got;

	return !parse_size(text, &got);
}

static bool shows(uint64_t bytes, const char *want)
{
	char buf[SIZE_TEXT];

	return strcmp(size_text(bytes, buf), want) == 0;
}

static bool counts(uint64_t n, const char *want)
{
	char buf[28];

	return strcmp(count_text(n, buf), want) == 0;
}

int main(void)
{
	CHECK("plain numbers are bytes", parses_to("0", 0) && parses_to("12", 12) && parses_to("12B", 12));
	CHECK("k M G T are powers of 1000", parses_to("1k", 1000) && parses_to("2M", 2000000) &&
	      parses_to("3G", 3000000000) && parses_to("4T", 4000000000000) && parses_to("24 MB", 24000000));
	CHECK("Ki Mi Gi Ti are powers of 1024", parses_to("1Ki", 1024) && parses_to("1MiB", 1 << 20) &&
	      parses_to("1GiB", 1 << 30) && parses_to("1 TiB", UINT64_C(1) << 40));
	CHECK("case does not matter", parses_to("1K", 1000) && parses_to("1kib", 1024) && parses_to("1mb", 1000000));
	CHECK("fractions are exact", parses_to("1.5k", 1500) && parses_to("1.1k", 1100) &&
	      parses_to("0.001M", 1000) && parses_to("2.25KiB", 2304));
	CHECK("whole numbers are exact up to 2^63", parses_to("9223372036854775808", UINT64_C(1) << 63) &&
	      parses_to("9007199254740993", 9007199254740993));
	CHECK("more than 2^63 is refused", is_no_size("9223372036854775809") && is_no_size("9223373T") &&
	      is_no_size("99999999999999999999999999999999"));
	CHECK("other text is refused", is_no_size("") && is_no_size("k") && is_no_size("-1") &&
	      is_no_size("+1") && is_no_size(" 1") && is_no_size("1.") && is_no_size(".5") &&
	      is_no_size("1e3") && is_no_size("1kk") && is_no_size("1KBx") && is_no_size("0x10") &&
	      is_no_size("1,000") && is_no_size("inf") && is_no_size("1i"));

	CHECK("bytes below 1000 have no decimals", shows(0, "0B") && shows(999, "999B"));
	CHECK("larger sizes have three decimals", shows(1000, "1.000kB") && shows(1234, "1.234kB") &&
	      shows(12500000, "12.500MB") && shows(999999, "999.999kB"));
	CHECK("rounding never shows 1000.000", shows(999999999, "1.000GB") && shows(999999500, "1.000GB") &&
	      shows(999999499, "999.999MB"));
	CHECK("the largest number fits", shows(UINT64_MAX, "18.447EB"));

	CHECK("counts have commas", counts(0, "0") && counts(999, "999") && counts(1000, "1,000") &&
	      counts(12345678, "12,345,678") && counts(UINT64_MAX, "18,446,744,073,709,551,615"));
	return check_done();
}
