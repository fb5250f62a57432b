/*
 * pycode.h - code objects and their numbers
 *
 * A number is assigned to a code object's content (file, qualified name, first
 * line, line table), so the tables do not grow if a program compiles the same text
 * again and again. The table from address to number is read without a lock. An
 * address is forgotten when its object dies: we replace PyCode_Type.tp_dealloc.
 */
#ifndef PYCODE_H
#define PYCODE_H

#include "pylayout.h"

/*
 * Data about the code object at `code`, valid while the object lives.
 * To check whether it still describes a given object, compare `code` first
 * (acquire) and then `id`.
 */
struct code_entry {
	uintptr_t code;
	uint32_t id;		/* WIRE_CODE's */
	uint32_t hidden;	/* belongs to the interpreter itself and is left out of stacks */
};

enum code_result { CODE_OK, CODE_NO_MEMORY, CODE_NOT_CODE };

/*
 * Finds the entry of a code object that is alive because it is on the calling
 * thread's stack. A new one is put into the ring first. NOT_CODE: the object's type is
 * not PyCode_Type, so the layout is wrong for this build.
 */
enum code_result code_lookup(uintptr_t code, const struct code_entry **e);

/* Starts watching for code objects that die. Call it before the first code_lookup(). */
void code_watch(const struct python *p);

/* Discards all numbers in a forked child. */
void code_forked(void);

/* Stops watching, at the end of a recording. */
void code_unwatch(void);
/* Discards all numbers for a new session, while no thread is in a lookup. */
void code_restarted(void);

/* Returns whether this thread holds the table's lock because an object is being freed. */
bool code_busy(void);

/*
 * Dead code objects are numbered from 1. Kept are their count so far, and the
 * addresses of the last CODE_DEAD_KEPT. A reader that has read
 * address number i must afterwards find code_deaths() < i + CODE_DEAD_KEPT.
 */
#define CODE_DEAD_KEPT 1024u
extern uint32_t code_death_count;
extern uintptr_t code_dead[CODE_DEAD_KEPT];

static inline uint32_t code_deaths(void)
{
	return __atomic_load_n(&code_death_count, __ATOMIC_ACQUIRE);
}

#ifdef PYSTACK_VERIFY
/* Reads the content and returns its number, or 0. For tests. */
uint32_t code_content_id(uintptr_t code, bool *hidden);
/* For tests: do not watch for code objects that die. */
extern bool code_stale;
#endif

#endif
