/*
 * phases.h - the start-up, script and shutdown of a Python process
 *
 * Each is a span of the trace, of thread 0 (memtrace(5)). The phase of its process and the thread that makes it decide
 * the label of an allocation without a stack.
 */
#ifndef PHASES_H
#define PHASES_H

#include <stdbool.h>
#include <stdint.h>

#include "output.h"

/* In this order; NONE: no Python so far. */
enum phase { PHASE_NONE, PHASE_START_UP, PHASE_SCRIPT, PHASE_SHUTDOWN };

/* Whose code it is, as far as the beginning of the script depends on it. */
enum role {
	ROLE_PROGRAM,		/* the program's, or a library's that it asked for */
	ROLE_MACHINERY,		/* runs by itself while the interpreter starts: imports, codecs, site */
	ROLE_RUN_MODULE,	/* the function of runpy that is called for "-m" and folders, and … */
	ROLE_RUN_CODE,		/* … the one that runs their code */
};

/* A process's. Starts all zero. */
struct phases {
	enum phase now;
	uint32_t run_module, run_code;	/* the last nodes of these two */
};

/* A phase begins, if it is later than the present one, which ends. */
void phases_begin(struct phases *ph, enum phase next, struct output *o, uint32_t pid, uint64_t time_ms);

/* By the name and file of a code object. */
enum role phases_role(struct mt_str name, struct mt_str file);
/* A new stack, by its innermost frame: whether the script begins with it. parent 0: it has no other frame. */
bool phases_is_script(struct phases *ph, uint32_t node, uint32_t parent, enum role role);

/* What an allocation is made by that has no stack. */
enum label { LABEL_START_UP, LABEL_SHUTDOWN, LABEL_THREAD, LABEL_NONE, LABEL_ARENA, N_LABELS };
/* is_new: a thread that the interpreter knows, and that has had no frame yet. */
enum label phases_label(const struct phases *ph, bool is_main_thread, bool is_new);
/* The frame of a label, in the trace. */
uint32_t phases_frame(struct output *o, enum label label);

#endif
