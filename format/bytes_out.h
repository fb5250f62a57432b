/*
 * bytes_out.h - write blocks of bytes into an LZ4 frame, compressed or stored
 */
#ifndef BYTES_OUT_H
#define BYTES_OUT_H

#include <lz4frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE (64u << 10)

struct bytes_out {
	int fd;
	bool compressed;
	bool begun;			/* the frame's header has been written */
	int error;			/* errno of the first failure; nothing is written after it */
	uint64_t taken, written;	/* bytes of blocks, bytes of the file */
	LZ4F_cctx *lz4;
	uint8_t *buffer;
	size_t buffer_size;
};

/*
 * Returns 0, or -1 if out of memory. Locks a regular file (F_SETLK, if the file system supports it) until
 * bytes_out_clear() or the end of this process, so that a reader at its end knows it is incomplete (bytes_in.h).
 */
int bytes_out_init(struct bytes_out *b, int fd, bool compressed);
/* Writes one block of at most BLOCK_SIZE bytes; the first one begins the frame. Returns 0, or -1 with b->error. */
int bytes_out_block(struct bytes_out *b, const uint8_t *p, size_t n);
/* Ends the frame if it was begun. Returns 0, or -1 with b->error. */
int bytes_out_end(struct bytes_out *b);
void bytes_out_clear(struct bytes_out *b);

#endif
