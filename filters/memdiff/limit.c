/*
 * limit.c - the limits of --fail-if
 */
#include "limit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "units.h"
#include "xmalloc.h"

static const char *skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static bool parse_percent(const char *text, double *part)
{
	char *end;

	*part = strtod(text, &end);
	return isdigit((unsigned char)*text) && strcmp(end, "%") == 0;
}

void limits_add(struct limits *l, const char *text)
{
	struct limit new = { .text = text };

	while (islower((unsigned char)text[new.word]))
		new.word++;
	const char *p = skip_blanks(text + new.word);
	bool over = *p == '>';
	p = skip_blanks(p + over);
	new.growth = *p == '+';
	p += new.growth;
	new.percent = strchr(p, '%') != NULL;
	if (!new.word || !over || (new.percent && !new.growth) ||
	    !(new.percent ? parse_percent(p, &new.part) : parse_size(p, &new.amount)))
		usage_die("--fail-if: '%s' is not a limit, such as 'peak > +5%%', 'leaks > +1MB' or 'total > 2GB'",
			  text);
	GROW(l->at, l->n, l->cap);
	l->at[l->n++] = new;
}

void limits_check(const struct limits *l, enum tally_what what, bool census, bool count)
{
	static const char *const words[] = {
		[TALLY_PEAK] = "peak", [TALLY_LEAKS] = "leaks", [TALLY_TOTAL] = "total",
	};
	const char *word = census ? "census" : words[what];
	const char *options = census ? " (--by type)" : what == TALLY_LEAKS ? " (--leaks)" :
			      what == TALLY_TOTAL ? " (--total)" : "";

	for (size_t i = 0; i < l->n; i++)
		if (strlen(word) != l->at[i].word || strncmp(word, l->at[i].text, l->at[i].word) != 0)
			usage_die("--fail-if: '%s': these numbers%s%s are called '%s'", l->at[i].text,
				  options, count ? ", in allocations," : "", word);
}

static bool is_over(const struct limit *l, uint64_t before, uint64_t after)
{
	if (!l->growth)
		return after > l->amount;
	if (after <= before)
		return false;
	return l->percent ? (double)(after - before) > (double)before * l->part / 100 : after - before > l->amount;
}

bool limits_exceeded(const struct limits *l, const struct diff *d)
{
	char before[NUMBER_TEXT], after[NUMBER_TEXT];
	bool exceeded = false;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_over(&l->at[i], d->before.total, d->after.total))
			continue;
		warn("over the limit '%s': %s before, %s after", l->at[i].text, rows_number(d, d->before.total, before),
		     rows_number(d, d->after.total, after));
		exceeded = true;
	}
	return exceeded;
}
