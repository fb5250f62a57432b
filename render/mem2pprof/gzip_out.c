/*
 * gzip_out.c - write gzip to a stream
 */
#include "gzip_out.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "error.h"
#include "xmalloc.h"

#define GZIP_WINDOW (15 + 16)	/* zlib: the largest window, in gzip's format */

struct gzip_out {
	FILE *out;
	z_stream z;
	uint8_t buffer[1 << 16];
};

struct gzip_out *gzip_out_new(FILE *out)
{
	struct gzip_out *g = xcalloc(1, sizeof *g);

	g->out = out;
	if (deflateInit2(&g->z, 6, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		die("out of memory");
	return g;
}

static void run(struct gzip_out *g, int flush)
{
	do {
		g->z.next_out = g->buffer;
		g->z.avail_out = sizeof g->buffer;
		if (deflate(&g->z, flush) == Z_STREAM_ERROR)
			BUG("deflate() refused its stream");
		fwrite(g->buffer, 1, sizeof g->buffer - g->z.avail_out, g->out);
	} while (g->z.avail_out == 0);
}

void gzip_out_write(struct gzip_out *g, const void *p, size_t n)
{
	for (const uint8_t *at = p; n > 0;) {
		uInt part = n > 1u << 30 ? 1u << 30 : (uInt)n;
		g->z.next_in = (Bytef *)at;
		g->z.avail_in = part;
		run(g, Z_NO_FLUSH);
		at += part;
		n -= part;
	}
}

void gzip_out_end(struct gzip_out *g)
{
	run(g, Z_FINISH);
	deflateEnd(&g->z);
	free(g);
}
