/*
 * remote.c - the memory of another process, through /proc/PID/mem
 */
#include "remote.h"

#include <stdlib.h>
#include <unistd.h>

#include "xmalloc.h"

#define WINDOW_BYTES (256u << 10)

void remote_init(struct remote *r, int fd)
{
	*r = (struct remote){ .fd = fd, .bytes = xmalloc(WINDOW_BYTES) };
}

void remote_clear(struct remote *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

/* An address above 2^47 is the kernel's, or none. */
static bool is_user_address(uint64_t addr, size_t n)
{
	return addr >> 47 == 0 && n >> 47 == 0;
}

bool remote_read(const struct remote *r, uint64_t addr, void *to, size_t n)
{
	return is_user_address(addr, n) && pread(r->fd, to, n, (off_t)addr) == (ssize_t)n;
}

const uint8_t *remote_window(struct remote *r, uint64_t addr, size_t *n, uint64_t end)
{
	if (addr < r->begin || addr - r->begin > r->n || r->n - (addr - r->begin) < *n) {
		size_t wanted = end > addr && end - addr > *n ? (size_t)(end - addr) : *n;
		if (wanted > WINDOW_BYTES)
			wanted = WINDOW_BYTES;
		ssize_t got = is_user_address(addr, wanted) ? pread(r->fd, r->bytes, wanted, (off_t)addr) : -1;
		r->begin = addr;
		r->n = got > 0 ? (size_t)got : 0;
	}
	size_t left = r->n - (size_t)(addr - r->begin);
	*n = left < *n ? left : *n;
	return r->bytes + (addr - r->begin);
}
