/*
 * pack_time.h - the part of a page's data that is about time (pack.h has the layout)
 */
#ifndef MEMFLAME_PACK_TIME_H
#define MEMFLAME_PACK_TIME_H

#include <stdio.h>

#include "buffer.h"
#include "trace.h"

/* Writes ,"time":{...}: everything on the strip except the curves. */
void write_time(const struct recording *r, FILE *out);
/* Appends the slices. */
void put_slices(struct buffer *b, const struct points *p);
/* Appends the intervals, whose nodes are numbered by their position in `order`. */
void put_intervals(struct buffer *b, const struct recording *r, const uint32_t *node_of_key,
		   const struct tree_order *order, uint32_t n_nodes);

#endif
