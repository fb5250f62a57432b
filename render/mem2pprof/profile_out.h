/*
 * profile_out.h - write a profile
 */
#ifndef PROFILE_OUT_H
#define PROFILE_OUT_H

#include <stdint.h>
#include <stdio.h>

#include "samples.h"

struct period {
	uint64_t start_ns;		/* when the recording began, Unix time */
	uint64_t from_ms, until_ms;	/* since then */
};

/* Writes a gzipped profile of the allocations that are in no profile yet, and of t's amounts as those in use. */
void profile_write(FILE *out, const struct tally *t, const struct sample_table *samples, const struct mt_header *h,
		   struct period period);

#endif
