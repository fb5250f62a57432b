/*
 * span.c - lengths of time as people write them
 */
#include "span.h"

#include "check.h"

static bool means(const char *text, uint64_t whole_ms, uint64_t ms)
{
	struct span s;

	return parse_span(text, &s) && span_ms(&s, whole_ms) == ms;
}

static bool refused(const char *text)
{
	struct span s;

	return !parse_span(text, &s);
}

int main(void)
{
	CHECK("a bare number is seconds", means("2", 0, 2000) && means("1.5", 0, 1500) && means(".25", 0, 250));
	CHECK("units are ms, s, min and h",
	      means("7ms", 0, 7) && means("7 s", 0, 7000) && means("2min", 0, 120000) && means("1h", 0, 3600000));
	CHECK("percentages are of the whole", means("10%", 1000, 100) && means("100%", 77, 77) && means("0%", 5, 0) &&
	      means("33.3 %", 1000, 333));
	CHECK("other text is refused", refused("") && refused("s") && refused(".") && refused("-1") &&
					     refused("+1") && refused(" 1") && refused("1x") && refused("inf") &&
					     refused("0x10") && refused("1e3") && refused("101%") && refused("1.2.3") &&
					     refused("999999999999999999h"));
	return check_done();
}
