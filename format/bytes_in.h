/*
 * bytes_in.h - the bytes of a trace from a file, a pipe or memory, decompressed if it is LZ4
 *
 * The decompressed bytes are contiguous at [p, end); the owner moves p.
 * Pointers into them are valid until the next bytes_in_more().
 */
#ifndef BYTES_IN_H
#define BYTES_IN_H

#include <lz4frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bytes_format { BYTES_UNKNOWN, BYTES_BARE, BYTES_LZ4 };

struct bytes_in {
	const uint8_t *p, *end;		/* decompressed, not yet consumed */
	char why[200];			/* after a failure: what failed, and where */
	bool cut;			/* it failed because the file ends too early */
	bool growing;			/* at the end of a regular file that is still being written (bytes_out.h) */
	bool ticks;			/* `idle` is called every 100 ms without input, not only once */
	bool follow;			/* wait at that end until the writer closes the file or dies */
	void (*idle)(void *arg);	/* called when no input has come for 100 ms; may be NULL */
	void *idle_arg;

	/* private */
	int fd;				/* -1: none, or memory */
	bool waits;			/* reads may block: fd is not a regular file */
	bool over;			/* no more bytes will be read */
	enum bytes_format format;
	uint64_t read;			/* bytes read from the file */
	const uint8_t *packed, *packed_end;	/* those not yet consumed by LZ4 */
	uint8_t *packed_buffer;		/* PACKED_SIZE; not used for memory */
	uint8_t *window;		/* window_size bytes, into which p and end point */
	size_t window_size;
	LZ4F_dctx *lz4;
	size_t hint;			/* bytes that LZ4 expects next; 0: between frames */
};

/* Opens a file ("-": standard input), or memory. Returns 0, or -1 with b->why. Zero the struct before its first use. */
int bytes_in_open(struct bytes_in *b, const char *path);
/* Opens a file whose first n bytes (at most 64 KiB) have been read already: the rest comes from fd, which it owns. */
int bytes_in_open_begun(struct bytes_in *b, int fd, const void *first, size_t n);
int bytes_in_open_memory(struct bytes_in *b, const void *bytes, size_t size);
/*
 * Reads at least one more byte, and makes room so that `want` bytes from p can
 * become contiguous. Returns 1 if it read some, 0 at the end, -1 at damage (b->why).
 */
int bytes_in_more(struct bytes_in *b, size_t want);
/* Returns the offset of p in the file: exact, unless the file is compressed. */
uint64_t bytes_in_offset(const struct bytes_in *b);
/* Closes the file but keeps the buffers for the next one; bytes_in_free() frees everything. */
void bytes_in_close(struct bytes_in *b);
void bytes_in_free(struct bytes_in *b);

#endif
