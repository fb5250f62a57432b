/*
 * trace_files.c - the files that a trace goes to
 */
#include "trace_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xmalloc.h"

char *trace_file_redirected(void)
{
	struct stat st, named;
	char *path = realpath("/proc/self/fd/1", NULL);
	bool same = path && fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && stat(path, &named) == 0 &&
		    st.st_dev == named.st_dev && st.st_ino == named.st_ino;
	if (!same) {
		free(path);
		return NULL;
	}
	return path;
}

struct trace_files trace_files_of(const struct parts *p, const char *output, const struct segments *segments)
{
	struct trace_files f = { 0 };
	if (parts_are_files(p)) {
		f.names = segments_names(segments, &f.n);
		return f;
	}
	f.path = output ? xstrdup(output) : trace_file_redirected();
	f.names = xcalloc(1, sizeof *f.names);
	f.names[0] = f.path;
	f.n = f.path != NULL;
	return f;
}

void trace_files_clear(struct trace_files *f)
{
	free(f->names);
	free(f->path);
}
