/*
 * sampled.c - the standard errors of sums in a trace of which only a sample of the blocks was recorded
 */
#include "sampled.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

#include "xmalloc.h"

static uint64_t root(sampled_square n)
{
	return (uint64_t)llroundl(sqrtl((long double)n < 0x1p125L ? (long double)n : 0x1p125L));
}

struct amount variance_error(struct variance v)
{
	return (struct amount){ .bytes = root(v.bytes), .count = root(v.count) };
}

char *sampled_text(uint64_t sample_bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (unit + 1 < sizeof units / sizeof *units && sample_bytes % 1024 == 0 && sample_bytes >= 1024) {
		sample_bytes /= 1024;
		unit++;
	}
	return xasprintf("sampled, 1 in %" PRIu64 " %s", sample_bytes, units[unit]);
}
