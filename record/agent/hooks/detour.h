/*
 * detour.h - sends calls of a function elsewhere, by a jump at its entry
 */
#ifndef DETOUR_H
#define DETOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DETOUR_BYTES 5		/* of a jump; the instructions that it replaces are executed elsewhere */

struct detour {
	uintptr_t entry;	/* of the function */
	void *hook;		/* called instead, with the function's arguments, and `context` as the sixth */
	void *context;
	void **real;		/* receives the address that calls the function itself, before the hook is called */
};

/*
 * Sends the calls of n functions, all within [start, end), which is executable, to their hooks: of all, or of none, if
 * the code at one entry is of an unknown form or may not be changed (false). No other thread may be within
 * the first instructions of one; anywhere else is fine. What is changed stays so.
 */
bool detours_make(struct detour *d, size_t n, uintptr_t start, uintptr_t end);

/* Returns whether such a jump is at this address, which must be readable. */
bool detour_is_at(uintptr_t entry);

#endif
