/*
 * memtrace.h - read and write memory traces (memtrace(5))
 *
 * A trace is one or more LZ4 frames (or bare bytes) of msgpack objects: a
 * header map, then rows. Rows are coded as differences; the reader returns
 * absolute values and the writer takes them, so no caller sees differences.
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
 * Kinds of events, and the members that each sets besides pid, tid and time_ms.
 * Their order is not part of the format.
 */
enum mt_kind {
	MT_ALLOC,	/* id size stack allocator weight */
	MT_FREE,	/* id */
/* MT_RESIZE, MT_FUNCTION, MT_FRAME, MT_STACK, MT_PROCESS, … */
#define KIND(event, ...) event,
#include "kinds.def"
#undef KIND
	/* another trace begins (files joined end to end), all state is void. info: its header; see mt_in_header() */
	MT_HEADER,
	MT_END,		/* the trace is complete: only another header may follow */
	MT_OTHER,	/* a row of a kind this library does not know: info is the row, mt_put() passes it on */
};

/* Returns the name of a kind in memcat --json: "alloc", "free", "resize", … */
const char *mt_kind_name(enum mt_kind kind);
/* Returns whether such events belong to one process, ev->pid: definitions, headers, ends and unknown rows do not. */
bool mt_kind_has_pid(enum mt_kind kind);

/* Allocators; each number is that of its kind of row. mt_allocator_name() returns their names. */
enum mt_allocator {
	MT_MALLOC = 1, MT_CALLOC, MT_REALLOC, MT_REALLOCARRAY, MT_POSIX_MEMALIGN, MT_ALIGNED_ALLOC,
	MT_MEMALIGN, MT_VALLOC, MT_PVALLOC, MT_MMAP, MT_MREMAP,
	MT_PYMALLOC_MALLOC, MT_PYMALLOC_CALLOC, MT_PYMALLOC_REALLOC,
	MT_MMAP_RESERVED, MT_MMAP_FILE, MT_MIMALLOC, MT_JEMALLOC,
	MT_POOL,
	MT_N_ALLOCATORS		/* one past the last */
};

/* A bit for each allocator of address space that is not memory: reserved only, or backed by a file. */
#define MT_NOT_MEMORY (UINT32_C(1) << MT_MMAP_RESERVED | UINT32_C(1) << MT_MMAP_FILE)

/* Returns whether sums and the high-water mark count this allocator's allocations. */
static inline bool mt_is_memory(unsigned allocator)
{
	return !(MT_NOT_MEMORY >> (allocator & 31) & 1);
}

enum mt_lang { MT_LANG_PYTHON = 1, MT_LANG_NATIVE = 2 };

/* Text or bytes, borrowed: not 0-terminated. */
struct mt_str {
	const char *p;
	size_t n;
};

/*
 * One event, all values absolute. pid, tid and time_ms give the thread and the time;
 * every event in a traced process has them (definitions do not).
 * Text and info are borrowed from the reader until the next mt_next().
 */
struct mt_event {
	enum mt_kind kind;
	uint8_t allocator;	/* enum mt_allocator */
	uint8_t lang;		/* enum mt_lang */
	uint32_t pid, tid;	/* the kernel's numbers; 0 = not known */
	uint64_t time_ms;	/* milliseconds since the header's start_ns */
	uint32_t id;		/* of an allocation; unique among live ones */
	uint32_t stack;		/* 0 = not known */
	uint64_t size;		/* bytes */
	uint64_t weight;	/* allocations this one represents; 1 unless sampled */
	uint32_t parent;	/* the calling stack; 0 = this frame is outermost */
	uint32_t frame, function;
	uint32_t line;		/* 0 = not known */
	uint64_t count;
	struct mt_str name, file, module;
	struct mt_str info;	/* one msgpack object, as in the trace */
};

/* ---------------------------------------------------------------- header */

struct mt_stage {
	char *program, *version, *args;		/* args: one shell-quoted line */
	char *title;	/* describes the events it passes on, "" if it passes all; NULL: not given */
	bool answer;	/* it dropped frees: the sum of the allocations left is its answer */
	bool mappings;	/* it was asked for mappings that are not memory: sums count them */
};

/* A trace's description of itself. Owned by its reader, or by its creator. */
struct mt_header {
	unsigned major, minor;
	uint64_t start_ns;		/* Unix time of time_ms 0, in nanoseconds; 0 = not known */
	uint64_t begin_ms;		/* the time at which it begins: blocks allocated before were live then */
	char *host;			/* "" = not known */
	char *command;			/* the traced command, shell-quoted; "" = not known */
	bool native, python_allocators, follow_fork;
	uint64_t sample_bytes;		/* blocks were sampled, one per so many bytes; 0: all were recorded */
	struct mt_stage *stages;	/* the programs that wrote and filtered it, oldest first */
	size_t n_stages;
	uint8_t *raw;			/* the header as one msgpack map, as in the trace */
	size_t raw_size;
};

/* Returns the event's time, but not less than begin_ms: older blocks are live from the beginning of the trace. */
static inline uint64_t mt_known_ms(const struct mt_header *h, const struct mt_event *ev)
{
	return ev->time_ms > h->begin_ms ? ev->time_ms : h->begin_ms;
}

struct mt_header_options {
	const char *const *command;	/* argv, NULL-terminated; may be NULL */
	bool native, python_allocators, follow_fork;
	uint64_t sample_bytes;
	uint64_t start_ns, begin_ms;
};

/* A stage to append; the caller owns the text. */
struct mt_stage_options {
	const char *program, *version;
	const char *const *argv;	/* without the program's name, NULL-terminated; may be NULL */
	const char *title;		/* as in struct mt_stage */
	bool answer, mappings;
};

/* Returns a new header with this host's name, or NULL if out of memory. */
struct mt_header *mt_header_new(const struct mt_header_options *opt) MT_MUST_USE;
/* Reads a header from a msgpack map. Returns NULL and sets *why (static text) if it is not one. */
struct mt_header *mt_header_parse(const uint8_t *raw, size_t size, const char **why) MT_MUST_USE;
/* Returns a copy with one more stage, or NULL if out of memory. */
struct mt_header *mt_header_add_stage(const struct mt_header *h, const struct mt_stage_options *stage) MT_MUST_USE;
void mt_header_free(struct mt_header *h);
/* Returns whether a stage was asked for mappings that are not memory: then sums count them. */
bool mt_header_counts_mappings(const struct mt_header *h);

/* Returns the text of a key in a msgpack info map ("python", "executable", …); n == 0 if it is absent or not text. */
struct mt_str mt_info_text(struct mt_str info, const char *key);
/*
 * Returns the array of words of a key in an info map as one shell-quoted line, which the caller frees. Returns NULL,
 * with errno 0, if the key is absent or not such an array; with ENOMEM, if out of memory.
 */
char *mt_info_words(struct mt_str info, const char *key);
/* Returns n words as one shell-quoted line, which the caller frees; NULL if out of memory. */
char *mt_shell_words(const char *const *words, size_t n);
/* Returns the integer of a key in an info map; `otherwise` if it is absent or not an integer. */
int64_t mt_info_int(struct mt_str info, const char *key, int64_t otherwise);

/* ---------------------------------------------------------------- reader */

struct mt_in;

/*
 * Opens traces to be read one after the other, as if joined end to end;
 * "-" is standard input. Their first bytes show whether they are LZ4 or bare
 * msgpack. Reads the first header. On failure returns NULL and in *why, which
 * the caller frees, one line: what failed, where, and what to do.
 */
struct mt_in *mt_open(const char *const *paths, size_t n_paths, char **why) MT_MUST_USE;
/*
 * The same for one trace whose first n bytes (at most 64 KiB) have been read
 * already; the rest comes from fd, which the reader now owns.
 */
struct mt_in *mt_open_begun(int fd, const char *name, const void *first, size_t n, char **why) MT_MUST_USE;
/* The same for bytes in memory, which the caller keeps valid until mt_close_in(). For tests. */
struct mt_in *mt_open_memory(const void *bytes, size_t size, char **why) MT_MUST_USE;

/*
 * Gets the next event. Returns 1 if there is one, 0 at the end of complete traces, -1
 * at the end if something was cut off or damaged (see mt_in_error()); everything before
 * the damage has been returned. Files after a damaged one are still read.
 * A file that is still being written is taken as complete at its present end (MT_END); mt_in_note() reports that.
 */
int mt_next(struct mt_in *in, struct mt_event *ev) MT_MUST_USE;

/* From now on waits at the end of a file that is still being written, until it is complete or its writer has ended. */
void mt_in_follow(struct mt_in *in);

/*
 * For programs that add up memory: from now on leaves out allocations that are not memory (mt_is_memory()), except
 * in traces whose filters were asked for them. Each is replaced by a free of its id, because an allocation with a
 * live id ends the old one. Their own frees and resizes are still returned; their ids are not live.
 */
void mt_in_memory_only(struct mt_in *in);

/* Returns the damage found so far, one line each ("t.lz4: cut off after 1234 bytes: …"), or NULL. */
const char *mt_in_error(const struct mt_in *in);
/* Returns remarks about the files other than errors, one line each ("t.lz4: still being recorded; …"), or NULL. */
const char *mt_in_note(const struct mt_in *in);
/* Returns the header of the trace being read; it changes with each MT_HEADER. */
const struct mt_header *mt_in_header(const struct mt_in *in);
/* Returns the name of the file being read ("standard input"). */
const char *mt_in_name(const struct mt_in *in);
/* Calls f(arg) when no input has come for 100 ms (a live trace): buffered output should then be flushed. */
void mt_in_on_idle(struct mt_in *in, void (*f)(void *arg), void *arg);
/* The same, and again every 100 ms until some comes. */
void mt_in_on_tick(struct mt_in *in, void (*f)(void *arg), void *arg);
void mt_close_in(struct mt_in *in);

/* ---------------------------------------------------------------- writer */

struct mt_out;

enum mt_packing {
	MT_AUTO,	/* compressed into a regular file, stored (still as an LZ4 frame) elsewhere */
	MT_COMPRESSED,
	MT_STORED,
};

/* Returns a writer on fd, or NULL if out of memory. Writes nothing yet. The caller keeps fd; name is for messages. */
struct mt_out *mt_create(int fd, const char *name, enum mt_packing packing) MT_MUST_USE;
/* Appends this stage to every header put from now on (mt_header_add_stage()). Its text must outlive the writer. */
void mt_out_stage(struct mt_out *out, const struct mt_stage_options *stage);
/* Changes the packing given to mt_create(). Must come before anything is put. */
void mt_out_packing(struct mt_out *out, enum mt_packing packing);
/* Begins a trace. Must come before the first mt_put(). */
int mt_put_header(struct mt_out *out, const struct mt_header *h);
/*
 * Writes an event (MT_HEADER begins a new trace). Returns 0, or -1 if this or an earlier write failed (see
 * mt_out_error()).
 */
int mt_put(struct mt_out *out, const struct mt_event *ev);
/* Writes out everything put so far, except stacks, which wait for an event that refers to them. */
int mt_flush(struct mt_out *out);
/* Returns the number of bytes written so far. */
uint64_t mt_out_bytes(const struct mt_out *out);
/* Returns the failure as one line, or NULL; mt_out_errno() returns its errno. */
const char *mt_out_error(const struct mt_out *out);
int mt_out_errno(const struct mt_out *out);
/*
 * Flushes, ends the LZ4 frame and frees the writer. Returns 0, or -1 if anything failed, with one line in *why, which
 * the caller frees (why may be NULL).
 */
int mt_close(struct mt_out *out, char **why) MT_MUST_USE;

/* Returns "malloc", …, "pool"; "?" if unknown. */
const char *mt_allocator_name(unsigned allocator);
/* Returns the number of the allocator with that name; 0 if unknown. */
unsigned mt_allocator_of(const char *name, size_t n);

#endif
