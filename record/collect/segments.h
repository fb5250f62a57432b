/*
 * segments.h - a recording in several files, or only a part of it: --rotate, --last, --begin-at, --until
 *
 * A segment is a trace of its own. It begins with all that its events refer to: the processes and threads there are,
 * all definitions, and the live blocks, with their stacks and the times they were made; its header says when it begins
 * (begin_ms). So each can be read alone, and several together are one course.
 *
 * Until the recording is to begin, its events go nowhere, but what is alive is known. When the disk is full, the oldest
 * segments make room; so that there are some, a segment has at most about a quarter of the space that there is.
 *
 * Memory: 50 to 90 bytes for each live block (open_blocks.h), unless there is only an end.
 */
#ifndef SEGMENTS_H
#define SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "memtrace.h"
#include "sources.h"
#include "stacks.h"

/* A moment: when something reaches `at`. */
struct moment {
	enum { MOMENT_NONE, MOMENT_TIME, MOMENT_TRACE, MOMENT_RSS, MOMENT_HEAP } what;
	uint64_t at;		/* milliseconds of the recording; bytes: of the trace, of all processes together */
};

struct segment_rules {
	const char *output;		/* "svc.lz4": of svc.000001.lz4 and so on; NULL: there is one segment, on fd */
	int fd;				/* this and its name are the caller's */
	const char *name;
	bool force;			/* older segments of this name may be overwritten */
	struct mt_header_options header;
	const struct mt_stage_options *stage;
	uint64_t part_ms, part_bytes;	/* another segment begins after so much; 0: never */
	uint64_t keep_ms, keep_bytes;	/* so much is kept at least, at most; 0: all */
	struct moment begin, until;
};

/* Returns whether they ask for more than one trace from the beginning to the end. */
bool segment_rules_any(const struct segment_rules *r);

/* Returns "svc.*.lz4", for messages; the caller frees it. */
char *segments_pattern(const char *output);

struct segments;

/* The rules are the caller's. Dies if a file of its first segment's name exists, or there is no memory. */
struct segments *segments_new(const struct segment_rules *rules);
void segments_free(struct segments *s);
/* The lines of source code, which each segment begins with; the table is the caller's. */
void segments_sources(struct segments *s, const struct sources *sources);
/* The writer that takes events now; it changes with the segments. */
struct mt_out *segments_out(const struct segments *s);

/*
 * Writes an event, whose time is not before the last one's. Segments end and begin before it as the rules have it.
 * `stacks` has all that was defined, heap_bytes all that is live. Returns 0, or -1 if writing has failed for good.
 */
int segments_put(struct segments *s, const struct mt_event *ev, const struct stacks *stacks, uint64_t heap_bytes);
/* Whether the recording is to end. */
bool segments_over(const struct segments *s);
/* Asks for another segment at the next event. */
void segments_mark(struct segments *s);
/* Ends the last segment. Returns 0, or the errno of what failed and one line in *why; the caller frees it. */
int segments_end(struct segments *s, uint64_t time_ms, const struct stacks *stacks, char **why);

/* Whether anything was to be recorded: the moment to begin was reached. */
bool segments_begun(const struct segments *s);
/* Returns the names of the files that are kept, the oldest first, of *n; the caller frees the array. */
const char **segments_names(const struct segments *s, size_t *n);
/* Bytes of the segments that are kept, and their number. */
uint64_t segments_bytes(const struct segments *s);
uint32_t segments_count(const struct segments *s);

#endif
