/*
 * limit.h - the limits of --fail-if
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "rows.h"

#define LIMIT_STATUS 3		/* the exit status if a total is over its limit */

/* "peak > +5%": growth by more than a part of the total before; "> +1MB": by more than that; "> 10MB": more now. */
struct limit {
	const char *text;	/* as given */
	size_t word;		/* its length */
	bool growth, percent;
	double part;		/* percent */
	uint64_t amount;	/* otherwise */
};

struct limits {
	struct limit *at;
	size_t n, cap;
};

/* Adds one, of this text, which must last. Anything else is a usage error. */
void limits_add(struct limits *l, const char *text);
/* A usage error if one is not of what is compared. */
void limits_check(const struct limits *l, enum tally_what what, bool count);
/* Returns whether the total is over one of them; prints a line on standard error for each. */
bool limits_exceeded(const struct limits *l, const struct diff *d);

#endif
