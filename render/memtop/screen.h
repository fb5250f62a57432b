/*
 * screen.h - what memtop shows, and what its keys do
 *
 * The terminal is restored by screen_close(); whoever ends the program calls it first.
 */
#ifndef MEMTOP_SCREEN_H
#define MEMTOP_SCREEN_H

#include "rows.h"
#include "state.h"

struct screen;

/*
 * Takes over the terminal. Dies if there is none. `title` and `s` are the caller's. If the trace is piped in, the first
 * Ctrl-C ends its recording, not the view.
 */
struct screen *screen_open(const struct state *s, const char *title, enum rows_by by, enum rows_sort sort, bool piped);
void screen_close(struct screen *s);

/* Reads the keys that were pressed, and draws if it is time or something changed. Returns false to quit. */
bool screen_turn(struct screen *s);
/* The trace is over: shows `why` ("ended"), and if nothing is live any more, the high-water mark. */
void screen_ended(struct screen *s, const char *why);
/* Whether a key asked for the mark to be set to the present, since the last call. */
bool screen_wants_mark(struct screen *s);
/* Waits for a key, or for so long. */
void screen_wait(const struct screen *s, int ms);

#endif
