/*
 * spans.h - the allocations made within the spans of one name
 *
 * A span belongs to a thread, or to all threads of a process (memtrace(5)). Nested or
 * overlapping spans of the name are one, from the first beginning to the last end.
 * An end without a beginning is ignored; a span without an end ends with its process.
 *
 * A block allocated within a span and freed outside stays open; if the process
 * enters another span of the name, the free is written at that span's first
 * event. So at each moment within the spans the open blocks are those alive then,
 * and at the end those that the last span left. Ids are renumbered, as an id may
 * be reused outside the spans.
 *
 * Memory: 16 bytes per open block, 24 per change that waits for another span.
 */
#ifndef SPANS_H
#define SPANS_H

#include "memtrace.h"

struct spans;

/* `name` is borrowed. Exits if out of memory, as all functions here do. */
struct spans *spans_new(const char *name);
void spans_free(struct spans *s);
/* Takes any event, and passes on those of the output; windowed: it is in the window of time. Returns like mt_put(). */
int spans_take(struct spans *s, const struct mt_event *ev, bool windowed, struct mt_out *out);
/* Returns whether a span of the name occurred. Lists the other names in *others ("a, b"), until the next call. */
bool spans_any(const struct spans *s, const char **others);

#endif
