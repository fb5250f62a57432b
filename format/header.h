/*
 * header.h - of header.c, for the reader
 */
#ifndef HEADER_H
#define HEADER_H

#include "memtrace.h"

/* A header is at most so long; msgpack-c needs up to 24 times that for a hostile one. */
#define HEADER_MAX (4u << 20)

/* What is wrong with what does not begin with a header. */
#define HEADER_NONE "not a memory trace (memtrace): it does not begin with a header"

/* Read a header's map as mt_header_parse() does. NULL: *why is one line, of why_size bytes at most. */
struct mt_header *header_read(const uint8_t *raw, size_t size, char *why, size_t why_size);

#endif
