/*
 * origins.h - numbers for the origins of allocations: lines, functions, packages, processes or spans
 *
 * Lines and functions are those of the innermost Python frame, or of the innermost frame if none is Python's. A package
 * is the top-level package of the innermost Python function that is not in the standard library (modules.h).
 * A span is the last one that the allocating thread began and has not ended, or else the last one of its process, apart
 * from the recorder's own.
 *
 * Memory: 32 to 60 bytes per origin, 4 per stack, 12 per open span.
 */
#ifndef ORIGINS_H
#define ORIGINS_H

#include <stdbool.h>

#include "stacks.h"

/* The name of no span. */
#define ORIGINS_NO_SPAN "[no span]"

enum origins_by { ORIGINS_LINE, ORIGINS_FUNCTION, ORIGINS_PACKAGE, ORIGINS_PROCESS, ORIGINS_SPAN };

/* Members that are unknown or do not apply are "" or 0. */
struct origin {
	const char *name;	/* of the function, the package or the span; the command of the process */
	const char *place;	/* function_place() */
	uint32_t line, pid;
	uint8_t lang;		/* enum mt_lang */
};

struct origins;

/* `stacks` is borrowed; the caller gives it the definitions. Exits if out of memory, as all functions here do. */
struct origins *origins_new(enum origins_by by, const struct stacks *stacks);
void origins_free(struct origins *o);
/* Takes MT_PROCESS, MT_EXIT, MT_SPAN and MT_HEADER; ignores other kinds. */
void origins_take(struct origins *o, const struct mt_event *ev);
/* Returns the number of an MT_ALLOC's origin; new ones are numbered from 0. */
uint32_t origins_number(struct origins *o, const struct mt_event *ev);
/* The same for a stack number, unless by process or span. */
uint32_t origins_of_stack(struct origins *o, uint32_t stack);
/* Returns origin n, valid until the next origins_number() or origins_take(). */
const struct origin *origins_origin(const struct origins *o, uint32_t n);

/* Parses an option's argument, one of the names below; anything else is a usage error. */
enum origins_by origins_parse(const char *text, const char *option);
/* Returns "line", "function", "package", "process" or "span". */
const char *origins_by_name(enum origins_by by);
/* Returns a readable text: "load at app.py:41", "numpy", "1234 python3 app.py". The caller frees it. */
char *origins_text(const struct origins *o, uint32_t n);

#endif
