/*
 * sources.h - the lines of source code in a trace, by file and line
 *
 * Give it every event: it keeps those of MT_SOURCE. If a line occurs twice, its first text stays.
 *
 * Memory: each text once, and 60 to 90 bytes for each line.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "idset.h"
#include "memtrace.h"
#include "stacks.h"

struct source {
	const char *file;	/* owned by the table, as the text is */
	uint32_t line;
	uint32_t before;	/* lines of the text before this one */
	struct mt_str text;	/* the line and its neighbours, with newlines between them */
};

struct sources;

struct sources *sources_new(void);
void sources_free(struct sources *s);
/* Takes MT_SOURCE; ignores other kinds. Returns whether the line is new. */
bool sources_take(struct sources *s, const struct mt_event *ev);
/* Returns the source at a line, or NULL if it is not known. Valid until the next sources_take(). */
const struct source *sources_find(const struct sources *s, const char *file, uint32_t line);
const struct source *sources_of_frame(const struct sources *s, const struct stacks *stacks, uint32_t frame);
/* Returns the line alone, without the blanks around it. */
struct mt_str source_line(const struct source *source);
/* Writes all of them. Returns 0, or -1 as mt_put(). */
int sources_put(struct mt_out *out, const struct sources *s);
/* Writes that of one line, if it is known and not in `written`, which then has its number. */
void sources_put_line(struct mt_out *out, const struct sources *s, const char *file, uint32_t line,
		      struct idset *written);

#endif
