/*
 * remote.h - the memory of another process, through /proc/PID/mem
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct remote {
	int fd;				/* of /proc/PID/mem; the caller's */
	uint8_t *bytes;			/* a window: `n` bytes from the address `begin` on */
	uint64_t begin;
	size_t n;
};

void remote_init(struct remote *r, int fd);
void remote_clear(struct remote *r);
/* Copies n bytes. Returns false if any of them cannot be read. */
bool remote_read(const struct remote *r, uint64_t addr, void *to, size_t n);
/*
 * Returns the bytes at an address, and in *n how many there are, at most the *n asked for. They are valid until the
 * next call. If they are not in the window, moves it there, with all up to `end` that fits into it.
 */
const uint8_t *remote_window(struct remote *r, uint64_t addr, size_t *n, uint64_t end);

#endif
