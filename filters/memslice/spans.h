/*
 * spans.h - what was allocated within the spans of one name
 *
 * A span is a process's own, and all its threads are in it. Spans of the name that lie in one another or
 * overlap are one, from the first beginning to the last end. An end without a
 * beginning is nothing; what is not ended ends with its process.
 *
 * What was allocated in one and is freed outside stays open; should the
 * process come to another one, its free stands at that one's first event. So
 * what is open is at each moment within the spans what was alive then, and at the end
 * what the last one left. Ids are given anew: an id may be reused outside.
 *
 * Memory: 16 bytes for each block that is open, 24 for each change that waits for another span.
 */
#ifndef SPANS_H
#define SPANS_H

#include "memtrace.h"

struct spans;

/* Of spans of this name, which is the caller's. Dies without memory, as the others do. */
struct spans *spans_new(const char *name);
void spans_free(struct spans *s);
/* Take any event; windowed: it is one that may be passed on (a window of time has it). 0, or -1 as mt_put(). */
int spans_take(struct spans *s, const struct mt_event *ev, bool windowed, struct mt_out *out);
/* Whether there was one; if not, *others are the names there were ("a, b"; "" = none), valid until the next call. */
bool spans_any(const struct spans *s, const char **others);

#endif
