/*
 * shared.c - memory shared with the recorded programs
 */
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define FIXED_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)

/*
 * Before Linux 5.1 a memfd cannot be sealed against other writers while we keep writing to it. Instead, others get a
 * read-only descriptor of a file that only its owner may open again.
 */
static int reopen_to_read(int memfd)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", memfd);
	int reading = open(path, O_RDONLY | O_CLOEXEC);
	if (reading >= 0 && fchmod(memfd, 0400) < 0) {
		close(reading);
		return -1;
	}
	return reading;
}

/* Returns the descriptor to pass on, or -1. */
static int seal(int memfd, enum shared_writers writers)
{
	int seals = FIXED_SIZE | F_SEAL_SEAL;
	if (writers == SHARED_BOTH)
		return fcntl(memfd, F_ADD_SEALS, seals) < 0 ? -1 : memfd;
	if (fcntl(memfd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0)
		return memfd;
	if (fcntl(memfd, F_ADD_SEALS, seals) < 0)
		return -1;
	int reading = reopen_to_read(memfd);
	if (reading >= 0)
		close(memfd);
	return reading;
}

/*
 * Shared memory counts as a file, so the limit of file sizes (ulimit -f) applies, and the signal for exceeding it would
 * end us. The limit is raised for this call, if it may be. Returns -1 and sets errno to EFBIG if it may not.
 */
static int set_size(int fd, size_t size)
{
	struct rlimit limit, enough;
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= size)
		return ftruncate(fd, (off_t)size);
	enough = (struct rlimit){ .rlim_cur = size, .rlim_max = limit.rlim_max < size ? size : limit.rlim_max };
	if (setrlimit(RLIMIT_FSIZE, &enough) < 0) {
		errno = EFBIG;
		return -1;
	}
	int result = ftruncate(fd, (off_t)size);
	setrlimit(RLIMIT_FSIZE, &limit);
	return result;
}

void *shared_new(const char *name, size_t size, enum shared_writers writers, int *memfd)
{
	void *p = MAP_FAILED;
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), sealed = -1;
	if (fd >= 0 && set_size(fd, size) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED && (sealed = seal(fd, writers)) >= 0) {
		*memfd = sealed;
		return p;
	}
	int e = errno;
	if (p != MAP_FAILED)
		munmap(p, size);
	if (fd >= 0)
		close(fd);
	errno = e;
	*memfd = -1;
	return NULL;
}

const char *shared_why(void)
{
	return errno == EFBIG ? "the limit of file sizes (ulimit -f) is too low; raise it" : strerror(errno);
}
