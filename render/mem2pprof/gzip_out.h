/*
 * gzip_out.h - write gzip to a stream
 */
#ifndef GZIP_OUT_H
#define GZIP_OUT_H

#include <stddef.h>
#include <stdio.h>

struct gzip_out;

/* Exits if out of memory. Failed writes set ferror(out). */
struct gzip_out *gzip_out_new(FILE *out);
void gzip_out_write(struct gzip_out *g, const void *p, size_t n);
/* Writes the rest and frees it. */
void gzip_out_end(struct gzip_out *g);

#endif
