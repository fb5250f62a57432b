/*
 * agent_file.c - the agent's library: a file beside memrec, or bytes inside it
 */
#include "agent_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "xmalloc.h"

#define BESIDE "lib/memrec/libmemrec.so"	/* in the folder that bin/memrec is in */
#define PAGE 4096u
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

/* The agent inside; NULL: this binary is without. */
extern const char _binary_libmemrec_so_start[] __attribute__((weak));
extern const char _binary_libmemrec_so_end[] __attribute__((weak));

bool agent_file_is_inside(void)
{
	return _binary_libmemrec_so_start != NULL;
}

static const char *path_beside(void)
{
	static char *path;
	if (path)
		return path;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		die("cannot find memrec's own executable (/proc/self/exe): %s", strerror(errno));
	self[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
	}
	path = xasprintf("%s/" BESIDE, self);
	return path;
}

/* NULL, and errno: it cannot be read. */
static char *read_beside(size_t *size)
{
	struct stat st;
	int fd = open(path_beside(), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	char *bytes = xcalloc(1, (size_t)st.st_size + PAGE);
	size_t n = 0;
	for (ssize_t got; n < (size_t)st.st_size && (got = read(fd, bytes + n, (size_t)st.st_size - n)) > 0;)
		n += (size_t)got;
	close(fd);
	*size = n;
	if (n == (size_t)st.st_size)
		return bytes;
	free(bytes);
	errno = errno ? errno : EIO;
	return NULL;
}

const char *agent_file_bytes(size_t *size)
{
	static char *bytes;
	static size_t n;
	if (!bytes && _binary_libmemrec_so_start) {
		n = (size_t)(_binary_libmemrec_so_end - _binary_libmemrec_so_start);
		bytes = xcalloc(1, n + PAGE);
		memcpy(bytes, _binary_libmemrec_so_start, n);
	} else if (!bytes && !(bytes = read_beside(&n))) {
		die("%s: %s (the agent, which is installed with memrec)", path_beside(), strerror(errno));
	}
	*size = n;
	return bytes;
}

/* The file is there, of this very build, and LD_PRELOAD can name it. */
static bool is_usable(const char *path)
{
	if (strpbrk(path, ": ") || access(path, R_OK) < 0)
		return false;
	if (!_binary_libmemrec_so_start)
		return true;
	size_t n, inside;
	const char *own = agent_file_bytes(&inside);
	char *bytes = read_beside(&n);
	bool same = bytes && n == inside && memcmp(bytes, own, n) == 0;
	free(bytes);
	return same;
}

static char *name_memory_file(void)
{
	size_t n;
	const char *bytes = agent_file_bytes(&n);
	int fd = memfd_create("libmemrec.so", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)		/* before Linux 6.3 all can be executed */
		fd = memfd_create("libmemrec.so", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		die("cannot create a memory file for the agent: %s%s", strerror(errno),
		    errno == EACCES ? " (sysctl vm.memfd_noexec): install it in a path without spaces and colons" : "");
	for (size_t done = 0; done < n;) {
		ssize_t put = write(fd, bytes + done, n - done);
		if (put <= 0)
			die("cannot write the agent to a memory file: %s", strerror(errno));
		done += (size_t)put;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);
}

const char *agent_file_name(void)
{
	static const char *name;
	if (!name)
		name = is_usable(path_beside()) ? path_beside() : name_memory_file();
	return name;
}
