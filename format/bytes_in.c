/*
 * bytes_in.c - the bytes of a trace from a file, a pipe or memory, decompressed if it is LZ4
 *
 * When LZ4F_decompress() fails, everything it decompressed in that call is lost.
 * So each block, and each block's header, is decompressed by a call of its own:
 * all blocks before a damaged one are used.
 *
 * Source: the LZ4 frame format, github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
#include "bytes_in.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PACKED_SIZE (64u << 10)
#define WINDOW_SIZE (256u << 10)
#define WINDOW_SPACE (80u << 10)	/* with this much free, LZ4 decompresses a 64 KiB block in place */
#define IDLE_MS 100

static int fail(struct bytes_in *b, const char *what)
{
	snprintf(b->why, sizeof b->why, "%s", what);
	b->over = true;
	b->packed = b->packed_end;
	return -1;
}

static void start(struct bytes_in *b)
{
	bytes_in_close(b);
	b->p = b->end = b->window;
	b->packed = b->packed_end = NULL;
	b->why[0] = '\0';
	b->over = b->cut = b->growing = false;
	b->format = BYTES_UNKNOWN;
	b->read = 0;
	b->hint = 0;
}

static int make_buffers(struct bytes_in *b)
{
	if (b->window == NULL) {
		b->fd = -1;
		b->window = malloc(WINDOW_SIZE);
		b->window_size = WINDOW_SIZE;
	}
	if (b->packed_buffer == NULL)
		b->packed_buffer = malloc(PACKED_SIZE);
	if (b->window == NULL || b->packed_buffer == NULL)
		return fail(b, "cannot read: out of memory");
	return 0;
}

static int look_at_file(struct bytes_in *b)
{
	struct stat st;

	if (b->fd < 0 || fstat(b->fd, &st) < 0) {
		snprintf(b->why, sizeof b->why, "cannot open: %s", strerror(errno));
		b->over = true;
		return -1;
	}
	b->waits = !S_ISREG(st.st_mode);
	return 0;
}

int bytes_in_open(struct bytes_in *b, const char *path)
{
	if (make_buffers(b) < 0)
		return -1;
	start(b);
	b->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	return look_at_file(b);
}

int bytes_in_open_begun(struct bytes_in *b, int fd, const void *first, size_t n)
{
	if (make_buffers(b) < 0)
		return -1;
	start(b);
	b->fd = fd;
	if (n > PACKED_SIZE)
		return fail(b, "cannot be read: too much of it was read already");
	memcpy(b->packed_buffer, first, n);
	b->packed = b->packed_buffer;
	b->packed_end = b->packed + n;
	b->read = n;
	return look_at_file(b);
}

int bytes_in_open_memory(struct bytes_in *b, const void *bytes, size_t size)
{
	if (make_buffers(b) < 0)
		return -1;
	start(b);
	b->packed = bytes;
	b->packed_end = b->packed + size;
	b->read = size;
	b->over = true;
	return 0;
}

/* Before a read that may block: calls `idle` once if no input comes for a while. */
static void wait_for_input(struct bytes_in *b)
{
	struct pollfd pfd = { .fd = b->fd, .events = POLLIN };

	int ready;

	if (!b->waits || b->idle == NULL)
		return;
	do {
		ready = poll(&pfd, 1, IDLE_MS);
		if (ready == 0)
			b->idle(b->idle_arg);
	} while ((ready < 0 && errno == EINTR) || (ready == 0 && b->ticks));
}

static ssize_t read_now(const struct bytes_in *b, uint8_t *p, size_t size)
{
	ssize_t n;

	do {
		n = read(b->fd, p, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Returns whether another process holds the lock of bytes_out_init(). */
static bool has_writer(const struct bytes_in *b)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(b->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/*
 * At the end of a regular file, which may still be written: with `follow`, waits for more bytes. Returns like
 * read_now(), except that bytes written just before the writer ended are still read.
 */
static ssize_t read_at_end(struct bytes_in *b, uint8_t *p, size_t size)
{
	static const struct timespec a_while = { .tv_nsec = IDLE_MS * 1000000L };
	ssize_t n = 0;

	while (n == 0 && (b->growing = has_writer(b)) && b->follow) {
		if (b->idle != NULL)
			b->idle(b->idle_arg);
		nanosleep(&a_while, NULL);
		n = read_now(b, p, size);
	}
	return n == 0 && !b->growing ? read_now(b, p, size) : n;
}

/* Reads bytes of the file into [p, p+size). Returns their number, 0 at the end, -1 on failure. */
static ssize_t read_some(struct bytes_in *b, uint8_t *p, size_t size)
{
	if (b->over)
		return 0;
	wait_for_input(b);
	ssize_t n = read_now(b, p, size);
	if (n == 0 && !b->waits)
		n = read_at_end(b, p, size);
	if (n < 0) {
		snprintf(b->why, sizeof b->why, "read error after %" PRIu64 " bytes: %s", b->read,
			 strerror(errno));
		b->over = true;
		return -1;
	}
	b->over = n == 0;
	b->read += (uint64_t)n;
	return n;
}

/* Reads more of the file after the few bytes left in [packed, packed_end). Returns 1, 0 at the end, -1 on failure. */
static int read_packed(struct bytes_in *b)
{
	size_t kept = (size_t)(b->packed_end - b->packed);

	if (b->over)
		return 0;
	if (kept > 0)
		memmove(b->packed_buffer, b->packed, kept);
	ssize_t n = read_some(b, b->packed_buffer + kept, PACKED_SIZE - kept);
	b->packed = b->packed_buffer;
	b->packed_end = b->packed + kept + (n > 0 ? n : 0);
	return n < 0 ? -1 : n > 0;
}

/* By the first four bytes: the magic number of an LZ4 frame or of a skippable frame. */
static enum bytes_format sniff(const uint8_t *p, size_t n)
{
	static const uint8_t frame[4] = { 0x04, 0x22, 0x4d, 0x18 }, skippable[3] = { 0x2a, 0x4d, 0x18 };

	if (n > 0 && memcmp(p, frame, n < 4 ? n : 4) == 0)
		return BYTES_LZ4;
	if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, skippable, 3) == 0)
		return BYTES_LZ4;
	return BYTES_BARE;
}

static int find_format(struct bytes_in *b)
{
	int r = 1;

	while (b->packed_end - b->packed < 4 && (r = read_packed(b)) > 0)
		;
	if (r < 0)
		return -1;
	b->format = sniff(b->packed, (size_t)(b->packed_end - b->packed));
	if (b->format == BYTES_BARE)
		return 0;
	LZ4F_freeDecompressionContext(b->lz4);
	b->lz4 = NULL;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&b->lz4, LZ4F_VERSION)))
		return fail(b, "cannot read: out of memory");
	return 0;
}

/* Moves [p, end) to the front of the window, and enlarges it if `want` bytes and a block do not fit. */
static int make_room(struct bytes_in *b, size_t want)
{
	size_t kept = (size_t)(b->end - b->p), size = (want > kept ? want : kept) + WINDOW_SPACE;

	if (kept > 0)
		memmove(b->window, b->p, kept);
	b->p = b->window;
	b->end = b->window + kept;
	if (size <= b->window_size)
		return 0;
	uint8_t *larger = realloc(b->window, size);
	if (larger == NULL)
		return fail(b, "cannot read: out of memory");
	b->window = larger;
	b->window_size = size;
	b->p = larger;
	b->end = larger + kept;
	return 0;
}

static int more_bare(struct bytes_in *b)
{
	uint8_t *to = b->window + (b->end - b->window);
	size_t space = b->window_size - (size_t)(b->end - b->window);
	size_t left = (size_t)(b->packed_end - b->packed);

	if (left > 0) {
		size_t n = left < space ? left : space;
		memcpy(to, b->packed, n);
		b->packed += n;
		b->end += n;
		return 1;
	}
	ssize_t n = read_some(b, to, space);
	b->end += n > 0 ? n : 0;
	return n < 0 ? -1 : n > 0;
}

static int lz4_damaged(struct bytes_in *b, size_t code)
{
	char what[160];
	uint64_t at = b->read - (uint64_t)(b->packed_end - b->packed);

	if (strcmp(LZ4F_getErrorName(code), "ERROR_allocation_failed") == 0)	/* no stable header has the codes */
		return fail(b, "cannot read: out of memory");
	snprintf(what, sizeof what, "damaged at byte %" PRIu64 ": %s (%s)", at,
		 b->hint == 0 ? "what follows is not an LZ4 frame" : "its LZ4 frame is broken",
		 LZ4F_getErrorName(code));
	return fail(b, what);
}

static int lz4_ended(struct bytes_in *b)
{
	if (b->hint == 0)
		return 0;
	b->cut = true;
	snprintf(b->why, sizeof b->why, "cut off after %" PRIu64 " bytes", b->read);
	return -1;
}

/* Decompresses the next block or header. Returns 1 and *got, the bytes it gave; 0 at the end, -1 on failure. */
static int lz4_step(struct bytes_in *b, size_t *got)
{
	size_t want = b->hint == 0 ? LZ4F_HEADER_SIZE_MIN :
		      b->hint > LZ4F_BLOCK_HEADER_SIZE ? b->hint - LZ4F_BLOCK_HEADER_SIZE : b->hint;
	size_t n = (size_t)(b->packed_end - b->packed);

	if (n == 0) {
		int r = read_packed(b);
		if (r <= 0)
			return r < 0 ? -1 : lz4_ended(b);
		n = (size_t)(b->packed_end - b->packed);
	}
	n = n < want ? n : want;
	*got = b->window_size - (size_t)(b->end - b->window);
	size_t hint = LZ4F_decompress(b->lz4, b->window + (b->end - b->window), got, b->packed, &n, NULL);
	if (LZ4F_isError(hint))
		return lz4_damaged(b, hint);
	b->packed += n;
	b->end += *got;
	b->hint = hint;
	return 1;
}

static int more_lz4(struct bytes_in *b)
{
	size_t got = 0;
	int r;

	while ((r = lz4_step(b, &got)) > 0 && got == 0)
		;
	return r;
}

int bytes_in_more(struct bytes_in *b, size_t want)
{
	if (b->why[0] != '\0')
		return -1;
	if (b->format == BYTES_UNKNOWN && find_format(b) < 0)
		return -1;
	if (make_room(b, want) < 0)
		return -1;
	return b->format == BYTES_LZ4 ? more_lz4(b) : more_bare(b);
}

uint64_t bytes_in_offset(const struct bytes_in *b)
{
	uint64_t taken = b->read - (uint64_t)(b->packed_end - b->packed);

	return b->format == BYTES_LZ4 ? taken : taken - (uint64_t)(b->end - b->p);
}

void bytes_in_close(struct bytes_in *b)
{
	if (b->fd > STDERR_FILENO)
		close(b->fd);
	b->fd = -1;
}

void bytes_in_free(struct bytes_in *b)
{
	bytes_in_close(b);
	LZ4F_freeDecompressionContext(b->lz4);
	free(b->packed_buffer);
	free(b->window);
}
