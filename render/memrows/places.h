/*
 * places.h - the columns that many blocks have in common: stack, allocator, process, thread, span
 *
 * A place is a combination of them. It has a number, by which rows refer to it, and its text is made once.
 *
 * Memory: the stacks; 80 to 120 bytes and one text for each place.
 */
#ifndef MEMROWS_PLACES_H
#define MEMROWS_PLACES_H

#include <stdbool.h>
#include <stdio.h>

#include "memtrace.h"

enum places_format {
	PLACES_CSV,	/* fields of comma-separated values, each after a comma */
	PLACES_JSON,	/* members of an object, each after a comma */
};

struct places;

/* With by_stack, threads and spans make no difference and are not columns. Exits if out of memory, as all here do. */
struct places *places_new(enum places_format format, bool by_stack);
void places_close(struct places *p);
/* Takes any event except MT_ALLOC and MT_FREE. */
void places_take(struct places *p, const struct mt_event *ev);
/* Returns the number of an MT_ALLOC's place; new ones are numbered from 0. At most 2^31. */
uint32_t places_number(struct places *p, const struct mt_event *ev, const struct mt_header *h);
uint32_t places_count(const struct places *p);
/* Returns the Unix time in milliseconds at which the trace of place n began; 0: not known. */
uint64_t places_start_ms(const struct places *p, uint32_t n);
/* Returns the text of place n, valid until places_close(). It is made at the first call. */
struct mt_str places_text(struct places *p, uint32_t n);
/* Prints the names of the columns as fields, each after a comma. */
void places_print_names(const struct places *p, FILE *out);

#endif
