/*
 * header.h - header.c's interface to the reader
 */
#ifndef HEADER_H
#define HEADER_H

#include "memtrace.h"

/* The largest header; a hostile one makes msgpack-c use up to 24 times as much memory. */
#define HEADER_MAX (4u << 20)

/* The message for input that does not begin with a header. */
#define HEADER_NONE "not a memory trace (memtrace): it does not begin with a header"

/* The first bytes of memray's capture files, with the final 0, and the message for such files. */
#define MEMRAY_MAGIC "memray"
#define HEADER_MEMRAY \
	"a capture file of memray, not a memory trace (memtrace): use memray's own reports, or record with memrec"

/*
 * Reads a header's map like mt_header_parse(). On failure returns NULL, with one line of at most why_size bytes in why.
 */
struct mt_header *header_read(const uint8_t *raw, size_t size, char *why, size_t why_size);

#endif
