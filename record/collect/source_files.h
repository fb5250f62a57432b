/*
 * source_files.h - reads the lines of source code in the stacks of recorded processes
 *
 * A line is read when the first frame of it is defined, from the file that its process would open under the function's
 * file name, and is written to the trace once. It is left out unless the file is the code that was run, as far as
 * that can be known: it has not changed since its first line was read, nor after a given time, and the
 * line where a function begins defines that function; native code must be newer than its source.
 *
 * The names come from the recorded process, so they may be any: only regular files of at most 4 MiB
 * are opened, none of /proc or /sys, with the rights of the process's user, and within its root directory.
 *
 * Memory: 100 to 200 bytes for each file, and 12 for 64 lines of it; the contents of 64 files, at most 1 MiB or one
 * file.
 */
#ifndef SOURCE_FILES_H
#define SOURCE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memtrace.h"
#include "sources.h"
#include "stacks.h"

struct source_rules {
	bool none;		/* read no source code */
	bool keep;		/* keep all texts, for segments */
	uint32_t around;	/* lines before and after each line */
	uint64_t changed_ns;	/* files that changed later (Unix time) are not the code that was run; 0: no limit */
	/* For root: takes on the rights of a process's user and returns whether it could; returns from them. */
	bool (*lower)(pid_t pid);
	void (*restore)(void);
};

/* How a process sees files. */
struct source_view {
	pid_t pid;
	enum { SOURCE_NOTHING, SOURCE_OURS, SOURCE_APART } files;	/* APART: it has another root directory */
	char *folder;			/* its working directory when it began; NULL: not known */
	bool foreign;			/* we are root and its user is not: lower our rights */
	uint32_t check_ms;		/* when that is to be checked again */
};

struct source_files;

/* The rules are copied. */
struct source_files *source_files_new(const struct source_rules *rules);
void source_files_free(struct source_files *s);

/* Begins to look at files as a process does, which must still exist. */
void source_view_begin(struct source_view *v, pid_t pid);
void source_view_clear(struct source_view *v);

/* Until the next call, lines are those of that process. now_ms: the recording's clock. */
void source_files_of(struct source_files *s, struct source_view *v, uint32_t now_ms);
/* Writes a line's text, if it can be read and has not been written. number: the function's, in the trace. */
void source_files_put(struct source_files *s, struct mt_out *out, const struct function *f, uint32_t number,
		      uint32_t line);
/* Returns all that has been written, if the rules ask to keep it; else NULL. */
const struct sources *source_files_kept(const struct source_files *s);

/* Returns the Unix time at which a process began, in nanoseconds; 0: not known. */
uint64_t source_process_began(pid_t pid);

#endif
