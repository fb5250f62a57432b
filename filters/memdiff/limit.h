/*
 * limit.h - the limits of --fail-if
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "rows.h"

#define LIMIT_STATUS 3		/* the exit status if a total is over its limit */

/* "peak > +5%": growth by more than 5 % of the old total; "> +1MB": by more than 1 MB; "> 10MB": over 10 MB now. */
struct limit {
	const char *text;	/* the argument */
	size_t word;		/* its length */
	bool growth, percent;
	double part;		/* percent */
	uint64_t amount;	/* otherwise */
};

struct limits {
	struct limit *at;
	size_t n, cap;
};

/* Adds the limit described by text, which must outlive it. Any other text is a usage error. */
void limits_add(struct limits *l, const char *text);
/* A usage error if a limit is for numbers other than those compared; census: censuses are compared. */
void limits_check(const struct limits *l, enum tally_what what, bool census, bool count);
/* Returns whether the total is over a limit; prints a line on standard error for each such limit. */
bool limits_exceeded(const struct limits *l, const struct diff *d);

#endif
