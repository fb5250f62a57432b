/*
 * bytes_in.h - the bytes of a trace: a file, a pipe or memory, unpacked if it is LZ4
 *
 * What is unpacked stands contiguous at [p, end); the owner moves p. Pointers
 * into it hold until the next bytes_in_more().
 */
#ifndef BYTES_IN_H
#define BYTES_IN_H

#include <lz4frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bytes_format { BYTES_UNKNOWN, BYTES_BARE, BYTES_LZ4 };

struct bytes_in {
	const uint8_t *p, *end;		/* unpacked, not yet taken */
	char why[200];			/* after a failure: what, and where */
	bool cut;			/* it is that the file ends too early */
	void (*idle)(void *arg);	/* input was awaited for 100 ms; may be NULL */
	void *idle_arg;

	/* private */
	int fd;				/* -1: none, or memory */
	bool waits;			/* fd is a pipe or the like */
	bool over;			/* no more bytes will be read */
	enum bytes_format format;
	uint64_t read;			/* bytes of the file that were read */
	const uint8_t *packed, *packed_end;	/* of those, what LZ4 has not got yet */
	uint8_t *packed_buffer;		/* PACKED_SIZE; not used for memory */
	uint8_t *window;		/* window_size bytes, where p and end point to */
	size_t window_size;
	LZ4F_dctx *lz4;
	size_t hint;			/* bytes LZ4 would like; 0: between frames */
};

/* Start on a file ("-": standard input) or on memory. -1: why. Zero the struct before its first use. */
int bytes_in_open(struct bytes_in *b, const char *path);
/* On a file that was begun: its first n bytes, at most 64 KiB, and the others from fd, which is closed in the end. */
int bytes_in_open_begun(struct bytes_in *b, int fd, const void *first, size_t n);
int bytes_in_open_memory(struct bytes_in *b, const void *bytes, size_t size);
/*
 * Get at least one byte more; what is at hand will not be moved on before it
 * has `want` bytes, so make room for that. 1: got some. 0: the end. -1: the end by damage: why.
 */
int bytes_in_more(struct bytes_in *b, size_t want);
/* About where in the file p is: exactly, unless it is packed. */
uint64_t bytes_in_offset(const struct bytes_in *b);
/* Close the file, keep the buffers for the next; or free all. */
void bytes_in_close(struct bytes_in *b);
void bytes_in_free(struct bytes_in *b);

#endif
