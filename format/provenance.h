/*
 * provenance.h - what the numbers of a trace are, by what the stages in its header say of themselves
 */
#ifndef PROVENANCE_H
#define PROVENANCE_H

#include "memtrace.h"

/*
 * Whether a filter has answered already: it left allocations without their
 * frees, so that the sum of what is there is the answer, whatever is asked for.
 */
bool provenance_is_answer(const struct mt_header *h);

/* The title of an answer that does not say what it is of. */
#define PROVENANCE_ALL "all allocations"

/*
 * The numbers in words, answers first: "temporary allocations; only at least 16B". `asked` are the words for them
 * if no filter has answered. The caller frees it. Exits if out of memory.
 */
char *provenance_title(const struct mt_header *h, const char *asked);

#endif
