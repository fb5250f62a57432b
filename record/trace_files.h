/*
 * trace_files.h - the files that a trace goes to
 */
#ifndef TRACE_FILES_H
#define TRACE_FILES_H

#include <stddef.h>

#include "parts.h"

struct trace_files {
	const char **names;
	size_t n;
	char *path;		/* the only name, if it is not one of the segments' */
};

/* output: NULL for standard output, which may be a file, too. Without one (a pipe), n is 0. */
struct trace_files trace_files_of(const struct parts *p, const char *output, const struct segments *segments);
void trace_files_clear(struct trace_files *f);

/* Returns the name of our standard output if that is a file with a name, or else NULL; the caller frees it. */
char *trace_file_redirected(void);

#endif
