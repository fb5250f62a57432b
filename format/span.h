/*
 * span.h - a length of time as people write it, or a part of the whole
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stdint.h>

struct span {
	bool is_percent;
	double value;		/* percent, or milliseconds */
};

/*
 * "1.5" and "1.5s" are seconds; "250ms", "2min", "1h"; "10%" (of a whole, at
 * most 100). Returns false for anything else.
 */
bool parse_span(const char *text, struct span *span);
/* Returns milliseconds, rounded down, of a whole of that length. */
uint64_t span_ms(const struct span *span, uint64_t whole_ms);

#endif
