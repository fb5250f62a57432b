/*
 * stacks.h - functions, frames and stacks of a trace, by content
 *
 * Feed it every event. Numbers of the trace (which begin anew with each
 * header) are mapped to this table's own, which stay: a function, frame or
 * stack that was defined twice, in one trace or in several, is one here.
 * Number 0 is "not known" in all three tables. Parents have smaller numbers.
 */
#ifndef STACKS_H
#define STACKS_H

#include "memtrace.h"

struct function {
	const char *name, *file, *module;	/* owned by the table; "" = not known */
	uint32_t line;		/* of its definition; 0 = not known */
	uint8_t lang;
};

struct frame {
	uint32_t function, line;
};

struct stack {
	uint32_t parent, frame;
	uint32_t depth;		/* frames from the outermost: 1 = outermost */
	uint32_t youngest, elder;	/* called from here, last defined; called from the same, defined before: 0 = none */
};

struct stacks;

struct stacks *stacks_new(void);
void stacks_free(struct stacks *s);
/* Take MT_FUNCTION, MT_FRAME, MT_STACK and MT_HEADER; other kinds are none of its business. */
void stacks_take(struct stacks *s, const struct mt_event *ev);
/*
 * For who writes a trace: the number of a function (name file module line lang
 * of an event), of a frame, of a stack. It is new if it equals the count before.
 */
uint32_t stacks_add_function(struct stacks *s, const struct mt_event *ev);
uint32_t stacks_add_frame(struct stacks *s, uint32_t function, uint32_t line);
uint32_t stacks_add_stack(struct stacks *s, uint32_t parent, uint32_t frame);
/* The table's number of the trace's present stack number; 0 if unknown. */
uint32_t stacks_number(const struct stacks *s, uint32_t stack);

/* Counts, numbers from 0 to count-1; and entries, valid until the next stacks_take(). */
uint32_t stacks_count(const struct stacks *s);
uint32_t stacks_frame_count(const struct stacks *s);
uint32_t stacks_function_count(const struct stacks *s);
const struct stack *stacks_stack(const struct stacks *s, uint32_t n);
const struct frame *stacks_frame(const struct stacks *s, uint32_t n);
const struct function *stacks_function(const struct stacks *s, uint32_t n);

enum stacks_detail {
	STACKS_LINE,		/* "name (file:line)", of native code "name [file:line]" */
	STACKS_FUNCTION,	/* "name (file)", "name [file]" */
	STACKS_FILE,		/* "file" */
};

/*
 * A frame as folded lines show it, without what is not known; "[unknown]" for
 * 0. ';', '\\' and control characters as \xHH. Valid until the next call.
 */
const char *stacks_label_by(struct stacks *s, uint32_t frame, enum stacks_detail detail);

/* What would define it, as stacks_add_function() takes it. Texts are f's. */
struct mt_event function_event(const struct function *f);

/* Where a function is: its file, else its module (a shared object), else "". */
const char *function_place(const struct function *f);
/* "python", "native", or "": not known. Labels and reports put the place of native functions in brackets. */
const char *function_language(const struct function *f);
bool function_is_native(const struct function *f);

#endif
