/*
 * pycode.h - code objects and their numbers
 *
 * A number is given to a code object's content (file, qualified name, first
 * line, line table), so a program that compiles the same text for ever does not
 * make them grow. The table from address to number is read without a lock. An
 * address is forgotten when the object dies: PyCode_Type.tp_dealloc is ours.
 */
#ifndef PYCODE_H
#define PYCODE_H

#include "pylayout.h"

/*
 * What is known of the code object at `code`. Good as long as the object lives.
 * To see whether it is still about a certain object, compare `code` first
 * (acquire) and then `id`.
 */
struct code_entry {
	uintptr_t code;
	uint32_t id;		/* WIRE_CODE's */
	uint32_t hidden;	/* the interpreter's own, to be left out of stacks */
};

enum code_result { CODE_OK, CODE_NO_MEMORY, CODE_NOT_CODE };

/*
 * The entry of a code object that is alive because it is on the calling
 * thread's stack. A new one is put into the ring first. NOT_CODE: the object is
 * not of PyCode_Type, so this build's layout is not what we believe.
 */
enum code_result code_lookup(uintptr_t code, const struct code_entry **e);

/* From now on learn of dying code objects. Before the first code_lookup. */
void code_watch(const struct python *p);

/* A forked child: no number was given out. */
void code_forked(void);

/* The recording ended: no longer learn of dying code objects. */
void code_unwatch(void);
/* A new session, no thread in a lookup: no number was given out. */
void code_restarted(void);

/* True while this thread is inside the table's lock on behalf of a dying object. */
bool code_busy(void);

/*
 * Dead code objects are numbered from 1: their count so far, and their
 * addresses, of which the last CODE_DEAD_KEPT are kept. A reader that looked at
 * the address number i must afterwards find code_deaths() < i + CODE_DEAD_KEPT.
 */
#define CODE_DEAD_KEPT 1024u
extern uint32_t code_death_count;
extern uintptr_t code_dead[CODE_DEAD_KEPT];

static inline uint32_t code_deaths(void)
{
	return __atomic_load_n(&code_death_count, __ATOMIC_ACQUIRE);
}

#ifdef PYSTACK_VERIFY
/* The number of this content, read anew; 0: it has none. For tests. */
uint32_t code_content_id(uintptr_t code, bool *hidden);
/* For tests: do not learn of dying code objects. */
extern bool code_stale;
#endif

#endif
