/*
 * bytes_out.c - write blocks of bytes into an LZ4 frame, compressed or stored
 *
 * liblz4 1.9 has no call for a stored block, so those are framed here: a frame
 * of independent blocks, each a size with its top bit set, then the bytes.
 *
 * Compressed frames have a checksum of each block, so that damage is found before
 * the data is used. They also have one of the whole content, which nothing here
 * needs; but lz4(1) 1.9.4 silently drops the frame after one that has block
 * checksums and no content checksum.
 *
 * The beginning of a trace (all of a short one) is mostly definitions, which are
 * worth more effort than the long, repetitive rest. So the trace has two frames.
 *
 * Source: the LZ4 frame format, github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
#include "bytes_out.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORED 0x80000000u
#define CAREFUL_BYTES (4u << 20)	/* of rows, at about 12 ns a byte instead of 2 */
#define CAREFUL_LEVEL 3			/* the lowest level that looks for the longest match */

#define COMPRESSED_FRAME \
	.frameInfo = { .blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockLinked, \
		      .contentChecksumFlag = LZ4F_contentChecksumEnabled, \
		      .blockChecksumFlag = LZ4F_blockChecksumEnabled }
static const LZ4F_preferences_t careful_frame = { COMPRESSED_FRAME, .compressionLevel = CAREFUL_LEVEL };
static const LZ4F_preferences_t compressed_frame = { COMPRESSED_FRAME };
static const LZ4F_preferences_t stored_frame = {
	.frameInfo = { .blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent },
};

static void set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	fcntl(fd, F_SETLK, &lock);	/* if it fails, readers will report that the file is cut off */
}

int bytes_out_init(struct bytes_out *b, int fd, bool compressed)
{
	*b = (struct bytes_out){ .fd = fd, .compressed = compressed };
	b->buffer_size = LZ4F_compressBound(BLOCK_SIZE, &compressed_frame) + LZ4F_HEADER_SIZE_MAX;
	b->buffer = malloc(b->buffer_size);
	if (b->buffer == NULL || LZ4F_isError(LZ4F_createCompressionContext(&b->lz4, LZ4F_VERSION)))
		return -1;
	set_lock(fd, F_WRLCK);
	return 0;
}

static int fail(struct bytes_out *b, int error)
{
	if (b->error == 0)
		b->error = error;
	return -1;
}

static int write_all(struct bytes_out *b, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(b->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(b, errno);
		b->written += (uint64_t)done;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int begin(struct bytes_out *b)
{
	const LZ4F_preferences_t *frame = !b->compressed ? &stored_frame :
					  b->taken < CAREFUL_BYTES ? &careful_frame : &compressed_frame;
	size_t n = LZ4F_compressBegin(b->lz4, b->buffer, b->buffer_size, frame);

	if (LZ4F_isError(n))
		return fail(b, ENOMEM);
	b->begun = true;
	return write_all(b, b->buffer, n);
}

static int stored_block(struct bytes_out *b, const uint8_t *p, size_t n)
{
	uint32_t head = htole32((uint32_t)n | STORED);

	memcpy(b->buffer, &head, sizeof head);
	memcpy(b->buffer + sizeof head, p, n);
	return write_all(b, b->buffer, sizeof head + n);
}

static int compressed_block(struct bytes_out *b, const uint8_t *p, size_t n)
{
	size_t a = LZ4F_compressUpdate(b->lz4, b->buffer, b->buffer_size, p, n, NULL);

	if (LZ4F_isError(a))
		return fail(b, EIO);
	size_t z = LZ4F_flush(b->lz4, b->buffer + a, b->buffer_size - a, NULL);
	if (LZ4F_isError(z))
		return fail(b, EIO);
	return write_all(b, b->buffer, a + z);
}

static int end_compressed(struct bytes_out *b)
{
	size_t n = LZ4F_compressEnd(b->lz4, b->buffer, b->buffer_size, NULL);

	if (LZ4F_isError(n))
		return fail(b, EIO);
	return write_all(b, b->buffer, n);
}

int bytes_out_block(struct bytes_out *b, const uint8_t *p, size_t n)
{
	bool careful = b->taken < CAREFUL_BYTES;

	if (b->error != 0)
		return -1;
	if (n == 0)
		return 0;
	if (!b->begun && begin(b) < 0)
		return -1;
	b->taken += n;
	if ((b->compressed ? compressed_block(b, p, n) : stored_block(b, p, n)) < 0)
		return -1;
	if (!b->compressed || !careful || b->taken < CAREFUL_BYTES)
		return 0;
	b->begun = false;	/* the rest is a frame of its own */
	return end_compressed(b);
}

int bytes_out_end(struct bytes_out *b)
{
	static const uint8_t end_mark[4] = { 0 };

	if (b->error != 0)
		return -1;
	if (!b->begun)
		return 0;
	return b->compressed ? end_compressed(b) : write_all(b, end_mark, sizeof end_mark);
}

void bytes_out_clear(struct bytes_out *b)
{
	set_lock(b->fd, F_UNLCK);
	LZ4F_freeCompressionContext(b->lz4);
	free(b->buffer);
}
