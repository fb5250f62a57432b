/*
 * anonymize.h - replaces the names, paths and command lines of a trace, each by the same word everywhere
 *
 * Memory: each text once.
 */
#ifndef ANONYMIZE_H
#define ANONYMIZE_H

#include "memtrace.h"

struct anonymizer;

/* Exits if out of memory, as all functions here do. */
struct anonymizer *anonymizer_new(void);
void anonymizer_free(struct anonymizer *a);

/* Returns a header like h, without its texts; the caller frees it. */
struct mt_header *anonymize_header(struct anonymizer *a, const struct mt_header *h);
/*
 * Replaces the texts of an event, until the next call. Returns false if the event is to be left out: it is of a kind
 * whose texts are not known.
 */
bool anonymize_event(struct anonymizer *a, struct mt_event *ev);

#endif
