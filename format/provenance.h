/*
 * provenance.h - describe the numbers of a trace, from the stages in its header
 */
#ifndef PROVENANCE_H
#define PROVENANCE_H

#include "memtrace.h"

/*
 * Returns whether a filter has answered already: it dropped frees, so that the sum of
 * the allocations left is the answer, whatever the user asks a report for.
 */
bool provenance_is_answer(const struct mt_header *h);

/* The title of an answer whose filter gave none. */
#define PROVENANCE_ALL "all allocations"

/*
 * Returns a title for the numbers, answers first: "temporary allocations; only at least 16B; sampled, 1 in 512 KiB".
 * `asked` is used if no filter has answered. The caller frees it. Exits if out of memory.
 */
char *provenance_title(const struct mt_header *h, const char *asked);

#endif
