/*
 * samples.h - the samples of a profile: allocations by stack, thread, process, span, allocator and, if asked for, size
 */
#ifndef SAMPLES_OF_PROFILE_H
#define SAMPLES_OF_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amount.h"
#include "index.h"
#include "origins.h"
#include "tally.h"

/* Allocations with equal members are one sample. */
struct sample_key {
	uint64_t size;		/* 0 if sizes are not told apart */
	uint32_t stack, thread, span, process;
	uint8_t allocator;
};

struct sample_table {
	struct sample_key *keys;
	uint32_t n;
	size_t cap;
	struct index index;
	struct origins *spans, *processes;
	bool sizes;
	struct amount *written;	/* per sample: all allocations that are in profiles so far; NULL: in none */
	uint32_t n_written;
};

void sample_table_init(struct sample_table *s, bool sizes);
void sample_table_clear(struct sample_table *s);

/* For struct tally_by: the number of an allocation's sample; all other events. */
uint32_t sample_number(void *table, const struct tally *t, const struct mt_event *ev);
void sample_take(void *table, const struct mt_event *ev);

/* Returns the allocations of sample n that are in no profile yet. t: with `all`. */
struct amount sample_new(const struct sample_table *s, const struct tally *t, uint32_t n);
/* All allocations so far are in profiles. */
void sample_table_written(struct sample_table *s, const struct tally *t);

#endif
