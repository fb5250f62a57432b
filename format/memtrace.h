/*
 * memtrace.h - read and write memory traces (memtrace(5))
 *
 * A trace is one or more LZ4 frames (or bare bytes) of msgpack objects: a
 * header map, then rows. Rows are coded as differences; a reader hands out
 * absolute values, a writer takes them, so no caller knows of differences.
 *
 * The loop of every tool:
 *
 *	struct mt_in *in = tool_input(argc, argv);
 *	struct mt_out *out = tool_output(&tool, in, argv);
 *	struct mt_event ev;
 *	while (mt_next(in, &ev) > 0)
 *		if (mt_put(out, &ev) < 0)
 *			break;
 *	return tool_finish(in, out);
 *
 * Nothing here prints or exits. A reader or a writer belongs to one thread.
 */
#ifndef MEMTRACE_H
#define MEMTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_MAJOR 1	/* MT_MINOR is in kinds.def */

#define MT_MUST_USE __attribute__((warn_unused_result))

/*
 * What an event is, and which members it sets besides pid, tid and time_ms. The
 * order is no part of the format.
 */
enum mt_kind {
	MT_ALLOC,	/* id size stack allocator weight */
	MT_FREE,	/* id */
/* MT_RESIZE, MT_FUNCTION, MT_FRAME, MT_STACK, MT_PROCESS, …: see there */
#define KIND(event, ...) event,
#include "kinds.def"
#undef KIND
	MT_HEADER,	/* info: another trace begins (files joined end to end), all state is void. See mt_in_header() */
	MT_END,		/* the trace is whole: nothing follows but another header */
	MT_OTHER,	/* a row of a kind this library does not know: info is the row, mt_put() passes it on */
};

/* "alloc", "free", "resize", …: as memcat --json has it. */
const char *mt_kind_name(enum mt_kind kind);
/* Whether such an event happens in one process, ev->pid: definitions, headers, ends and unknown rows do not. */
bool mt_kind_has_pid(enum mt_kind kind);

/* Allocators, numbered as the rows' kinds are. Names are mt_allocator_name()'s. */
enum mt_allocator {
	MT_MALLOC = 1, MT_CALLOC, MT_REALLOC, MT_REALLOCARRAY, MT_POSIX_MEMALIGN, MT_ALIGNED_ALLOC,
	MT_MEMALIGN, MT_VALLOC, MT_PVALLOC, MT_MMAP, MT_MREMAP,
	MT_PYMALLOC_MALLOC, MT_PYMALLOC_CALLOC, MT_PYMALLOC_REALLOC,
	MT_N_ALLOCATORS		/* one past the last */
};

enum mt_lang { MT_LANG_PYTHON = 1, MT_LANG_NATIVE = 2 };

/* Text or bytes, borrowed: not 0-terminated. */
struct mt_str {
	const char *p;
	size_t n;
};

/*
 * One event, all values absolute. pid, tid and time_ms are where and when:
 * set on every event that happens in the traced processes (not on definitions).
 * Text and info are borrowed from the reader until the next mt_next().
 */
struct mt_event {
	enum mt_kind kind;
	uint8_t allocator;	/* enum mt_allocator */
	uint8_t lang;		/* enum mt_lang */
	uint32_t pid, tid;	/* the kernel's numbers; 0 = not known */
	uint64_t time_ms;	/* milliseconds since the header's start_ns */
	uint32_t id;		/* of an allocation: no two that are live have the same */
	uint32_t stack;		/* 0 = not known */
	uint64_t size;		/* bytes */
	uint64_t weight;	/* allocations this one stands for; 1 unless sampled */
	uint32_t parent;	/* the stack this one hangs under; 0 = it is outermost */
	uint32_t frame, function;
	uint32_t line;		/* 0 = not known */
	uint64_t count;
	struct mt_str name, file, module;
	struct mt_str info;	/* one msgpack object, as it stood in the trace */
};

/* ---------------------------------------------------------------- header */

struct mt_stage {
	char *program, *version, *args;		/* args: one shell-quoted line */
	char *title;	/* words for the numbers it leaves, "" if they are all that was there; NULL: it does not say */
	bool answer;	/* it says that it dropped frees: the sum of what it left is its answer */
};

/* What a trace says of itself. Owned by its reader, or by who made it. */
struct mt_header {
	unsigned major, minor;
	uint64_t start_ns;		/* Unix time of time_ms 0, in nanoseconds; 0 = not known */
	char *host;			/* "" = not known */
	char *command;			/* the traced command, shell-quoted; "" = not known */
	bool native, python_allocators, follow_fork;
	struct mt_stage *stages;	/* who wrote and filtered it, oldest first */
	size_t n_stages;
	uint8_t *raw;			/* the header as one msgpack map: what is written */
	size_t raw_size;
};

struct mt_header_options {
	const char *const *command;	/* argv, NULL-terminated; may be NULL */
	bool native, python_allocators, follow_fork;
	uint64_t start_ns;
};

/* A stage to append; the text is the caller's. */
struct mt_stage_options {
	const char *program, *version;
	const char *const *argv;	/* without the program's name, NULL-terminated; may be NULL */
	const char *title;		/* as in struct mt_stage */
	bool answer;
};

/* A new header with this host's name. NULL: no memory. */
struct mt_header *mt_header_new(const struct mt_header_options *opt) MT_MUST_USE;
/* Read one from a msgpack map. NULL and *why (static text) if it is none. */
struct mt_header *mt_header_parse(const uint8_t *raw, size_t size, const char **why) MT_MUST_USE;
/* A copy with one more stage. NULL: no memory. */
struct mt_header *mt_header_add_stage(const struct mt_header *h, const struct mt_stage_options *stage) MT_MUST_USE;
void mt_header_free(struct mt_header *h);

/* Text of a key in a msgpack info map ("command", "python", "executable", …); n == 0 if absent or not text. */
struct mt_str mt_info_text(struct mt_str info, const char *key);
/* An array of words there, as one shell-quoted line; NULL if absent or no such array. To be freed. */
char *mt_info_words(struct mt_str info, const char *key);
/* Integer of a key in an info map, or `otherwise`. */
int64_t mt_info_int(struct mt_str info, const char *key, int64_t otherwise);

/* ---------------------------------------------------------------- reader */

struct mt_in;

/*
 * Open traces to be read one after the other, as if joined end to end;
 * "-" is standard input. LZ4 or bare msgpack, told by their first bytes.
 * Reads the first header. NULL: *why (to be freed by the caller) says in one
 * line what, where and what to do.
 */
struct mt_in *mt_open(const char *const *paths, size_t n_paths, char **why) MT_MUST_USE;
/*
 * The same of one trace that was begun to be read: its first n bytes (at most
 * 64 KiB), the others come from fd, which is the reader's now.
 */
struct mt_in *mt_open_begun(int fd, const char *name, const void *first, size_t n, char **why) MT_MUST_USE;
/* The same from bytes in memory, which stay the caller's until mt_close_in(). For tests. */
struct mt_in *mt_open_memory(const void *bytes, size_t size, char **why) MT_MUST_USE;

/*
 * 1: *ev is the next event. 0: the end, all was whole. -1: the end, and
 * something was cut off or damaged: everything before the damage was handed
 * out, mt_in_error() tells. A damaged file does not stop the files after it.
 */
int mt_next(struct mt_in *in, struct mt_event *ev) MT_MUST_USE;

/* The damage met so far, one line each ("t.lz4: cut off after 1234 bytes: …"), or NULL. */
const char *mt_in_error(const struct mt_in *in);
/* The header of the trace being read; another after each MT_HEADER. */
const struct mt_header *mt_in_header(const struct mt_in *in);
/* Name of the file being read ("standard input"). */
const char *mt_in_name(const struct mt_in *in);
/* Call f(arg) when input was awaited for 100 ms (a live trace): what is buffered should be passed on. */
void mt_in_on_idle(struct mt_in *in, void (*f)(void *arg), void *arg);
void mt_close_in(struct mt_in *in);

/* ---------------------------------------------------------------- writer */

struct mt_out;

enum mt_packing {
	MT_AUTO,	/* compressed into a regular file, stored (an LZ4 frame all the same) elsewhere */
	MT_COMPRESSED,
	MT_STORED,
};

/* A writer on fd, which stays the caller's; name is for messages. Writes nothing yet. NULL: no memory. */
struct mt_out *mt_create(int fd, const char *name, enum mt_packing packing) MT_MUST_USE;
/* Append this stage to every header put from now on (mt_header_add_stage()). Its text must outlive the writer. */
void mt_out_stage(struct mt_out *out, const struct mt_stage_options *stage);
/* Pack otherwise than mt_create() was told. Before anything was put. */
void mt_out_packing(struct mt_out *out, enum mt_packing packing);
/* Begin a trace. Must come before the first mt_put(). */
int mt_put_header(struct mt_out *out, const struct mt_header *h);
/* Write an event (MT_HEADER too: a new trace begins). 0, or -1: it failed, now or earlier (mt_out_error() tells). */
int mt_put(struct mt_out *out, const struct mt_event *ev);
/* Give everything put so far to the kernel; but stacks wait for what comes behind them, and means them. */
int mt_flush(struct mt_out *out);
/* Bytes handed to the kernel so far. */
uint64_t mt_out_bytes(const struct mt_out *out);
/* One line, or NULL. errno of the failure is in mt_out_errno(). */
const char *mt_out_error(const struct mt_out *out);
int mt_out_errno(const struct mt_out *out);
/* Flush and end the LZ4 frame; frees. 0, or -1 if anything failed since mt_create(): *why (may be NULL; caller frees). */
int mt_close(struct mt_out *out, char **why) MT_MUST_USE;

/* "malloc", …, "pymalloc_realloc"; "?" if unknown. */
const char *mt_allocator_name(unsigned allocator);
/* The inverse; 0 if unknown. */
unsigned mt_allocator_of(const char *name, size_t n);

#endif
