/*
 * last_page.c - the page of a trace whose program ran out of memory
 */
#include "last_page.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_file.h"
#include "error.h"
#include "xmalloc.h"

#define NOT_FOUND 127

/* Beside us; within us, if all commands are one program; or else by PATH. */
static void run_memflame(const char *trace)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/'), *beside = NULL;
	if (slash)
		beside = xasprintf("%.*s/memflame", (int)(slash - self), self);
	if (beside)
		execl(beside, "memflame", "--", trace, (char *)NULL);
	if (agent_file_is_inside())
		execl("/proc/self/exe", "memflame", "--", trace, (char *)NULL);
	execlp("memflame", "memflame", "--", trace, (char *)NULL);
}

static int write_to(int fd, const char *trace)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		run_memflame(trace);
		_exit(NOT_FOUND);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Of a trace that is cut off, a page of the rest. */
static bool is_page(int fd, int status)
{
	struct stat st;
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 && fstat(fd, &st) == 0 && st.st_size > 0;
}

bool last_page_write(const char *trace, const char *file)
{
	char *made = xasprintf("%s.%d", file, (int)getpid());
	int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status = fd < 0 ? -1 : write_to(fd, trace);
	bool whole = false;
	if (fd < 0)
		warn("%s: %s", made, strerror(errno));
	else if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		warn("%s: no page, as there is no memflame beside memrec or in PATH", file);
	else if (!is_page(fd, status))
		warn("%s: no page, as memflame failed", file);
	else if (!(whole = rename(made, file) == 0))
		warn("%s: %s", file, strerror(errno));
	if (!whole && fd >= 0)
		unlink(made);
	if (fd >= 0)
		close(fd);
	free(made);
	return whole;
}
