/*
 * stacks.h - functions, frames and stacks of a trace, by content
 *
 * Give it every event. It maps the trace's numbers (which start again with each
 * header) to its own, which do not change: a function, frame or stack that is
 * defined twice, in one trace or in several, has one number here.
 * Number 0 is "not known" in all three tables. Parents have smaller numbers.
 */
#ifndef STACKS_H
#define STACKS_H

#include "amount.h"
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
	uint32_t youngest;	/* the stack called from here that was defined last; 0 = none */
	uint32_t elder;		/* the one with the same caller that was defined before; 0 = none */
};

struct stacks;

struct stacks *stacks_new(void);
void stacks_free(struct stacks *s);
/* Takes MT_FUNCTION, MT_FRAME, MT_STACK and MT_HEADER; ignores other kinds. */
void stacks_take(struct stacks *s, const struct mt_event *ev);
/*
 * For programs that write a trace: return the number of a function (name file module
 * line lang of an event), a frame, a stack. It is new if it equals the count before.
 */
uint32_t stacks_add_function(struct stacks *s, const struct mt_event *ev);
uint32_t stacks_add_frame(struct stacks *s, uint32_t function, uint32_t line);
uint32_t stacks_add_stack(struct stacks *s, uint32_t parent, uint32_t frame);
/* Returns this table's number for a stack number of the current trace; 0 if unknown. */
uint32_t stacks_number(const struct stacks *s, uint32_t stack);

/* Return the counts (numbers are 0 to count-1) and the entries, which are valid until the next stacks_take(). */
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
 * Returns a frame as folded lines show it, without unknown parts; "[unknown]" for
 * 0. ';', '\\' and control characters become \xHH. Valid until the next call.
 */
const char *stacks_label_by(struct stacks *s, uint32_t frame, enum stacks_detail detail);

/* Returns an event that defines f, for stacks_add_function(). Its texts are f's. */
struct mt_event function_event(const struct function *f);

/* Returns a function's file, or else its module (a shared object), or else "". */
const char *function_place(const struct function *f);
/* Returns "python", "native", or "" if not known. Labels and reports put the place of native functions in brackets. */
const char *function_language(const struct function *f);
bool function_is_native(const struct function *f);
/* Returns whether a file of Python code is part of its import system (importlib). */
bool file_is_import_system(const char *file, size_t n);
/* Returns whether it names what a recorder knows in place of a function, like "[interpreter start-up]": of no file. */
bool function_is_label(const struct function *f);

/* Returns the bytes of `at`, an amount per stack, n of them, that are arenas of Python's allocator. */
uint64_t stacks_arena_bytes(const struct stacks *s, const struct amount *at, uint32_t n);
bool function_is_arena(const struct function *f);

#endif
