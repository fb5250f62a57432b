/*
 * screen.h - memtop's screen and keys
 *
 * The terminal is restored by screen_close(); call it before the program exits.
 */
#ifndef MEMTOP_SCREEN_H
#define MEMTOP_SCREEN_H

#include "rows.h"
#include "state.h"

struct screen;

/*
 * Takes over the terminal. Exits if there is none. `title` and `s` are borrowed. If the trace is piped in, the first
 * Ctrl-C ends its recording, not the view.
 */
struct screen *screen_open(const struct state *s, const char *title, enum rows_by by, enum rows_sort sort, bool piped);
void screen_close(struct screen *s);

/* Handles the keys pressed, and redraws if it is time or something changed. Returns false to quit. */
bool screen_turn(struct screen *s);
/* At the end of the trace: shows `why` ("ended"), and the high-water mark if nothing is live. */
void screen_ended(struct screen *s, const char *why);
/* Returns whether a key has requested a new mark since the last call. */
bool screen_wants_mark(struct screen *s);
/* Waits for a key, at most that long. */
void screen_wait(const struct screen *s, int ms);

#endif
