/*
 * wire.h - the ring between an agent and the collector
 *
 * One shared mapping (a memfd) per process: a header page group, then 2^n
 * slots of 32 bytes, two to a cache line; and one page, the control page, that all share and only the collector
 * writes to. Producers (any thread of the target) reserve slots by adding to `head`, fill them and commit each by
 * storing its `seq` last. The collector takes them in the order of reservation.
 *
 * Only the agent and memrec of one build share it: `magic` tells them apart.
 */
#ifndef WIRE_H
#define WIRE_H

#include <pthread.h>
#include <stdint.h>

#define WIRE_MAGIC 0x4d520005u
#define WIRE_LOG2_SLOTS 16		/* 64K slots, 2 MiB: fits a second-level cache (a larger ring is slower) */
#define WIRE_MAX_THREADS 4096

/* Environment of the target: "ADDRESS PID FLAGS", ADDRESS of the collector, PID the first process. */
#define WIRE_ENV "MEMREC_AGENT"
/*
 * "NAME:USER:NAMESPACE:KEY": the abstract socket; the collector's user, and the number of the user namespace where
 * it is called that (0: not known); and a struct wire_key in hexadecimal.
 */
#define WIRE_ADDRESS_MAX 192
#define WIRE_KEY_BYTES 16
/*
 * Each side shows its half. The agent does so first, to a collector whose user is right; nobody else ever learns the
 * other half.
 */
struct wire_key {
	uint8_t agent[WIRE_KEY_BYTES], collector[WIRE_KEY_BYTES];
};
#define WIRE_FLAG_PYTHON_ALLOCATORS 1
#define WIRE_FLAG_FOLLOW_FORK 2
#define WIRE_FLAG_NATIVE 4

enum wire_kind {
	/* Allocations: addr size stack. Numbered as a trace's rows are (enum mt_allocator). */
	WIRE_MALLOC = 1, WIRE_CALLOC, WIRE_REALLOC, WIRE_REALLOCARRAY, WIRE_POSIX_MEMALIGN, WIRE_ALIGNED_ALLOC,
	WIRE_MEMALIGN, WIRE_VALLOC, WIRE_PVALLOC, WIRE_MMAP, WIRE_MREMAP,
	WIRE_PYMALLOC_MALLOC, WIRE_PYMALLOC_CALLOC, WIRE_PYMALLOC_REALLOC,
	WIRE_MMAP_RESERVED,	/* private, of no file, PROT_NONE */
	WIRE_MMAP_FILE,		/* of a file */
	WIRE_MIMALLOC, WIRE_JEMALLOC,	/* blocks of such an allocator inside a library */
	WIRE_FREE = 32,		/* addr: before the real free */
	WIRE_REALLOC_BEGIN,	/* addr: before the real realloc; this thread's next record is one of the three below */
	WIRE_REALLOC_FAILED,	/* the old block stands */
	WIRE_REALLOC_FREED,	/* realloc(p, 0) that freed */
				/* (or an allocation: the old block is freed, a new one begins) */
	WIRE_UNMAP,		/* addr size: before the real munmap */
	WIRE_UNMAP_FAILED,	/* addr size: it failed, this thread's last WIRE_UNMAP did not happen */
	WIRE_REMAP_BEGIN,	/* addr size: before the real mremap; this thread's next record is MT_MREMAP or … */
	WIRE_REMAP_FAILED,	/* … this: the old mapping stands */
	WIRE_PROTECT,		/* addr size stack: after the real mprotect; may be used from now on */
	WIRE_PROTECT_NONE,	/* addr size: after it, too: it gives away no address; may not be used any more */
	WIRE_PYMALLOC_FREE,	/* addr */
	WIRE_CODE,		/* message: a struct wire_code and its bytes */
	WIRE_NODE,		/* addr: code | (uint64_t)(uint32_t)lasti << 32; size: id << 32 | parent */
	WIRE_MODULE,		/* message: a struct wire_module and its bytes */
	/* a C frame; addr: an address in it | what it runs << 48 (WIRE_RUNS); size: id << 32 | parent */
	WIRE_NATIVE,
	WIRE_HYBRID,		/* two stacks of one moment; addr: the Python node; size: id << 32 | the native node */
	WIRE_WARN,		/* message: a line of text for the user, once */
	WIRE_FINALIZING,	/* the interpreter has begun to end; once */
	WIRE_PYTHON,		/* message: the interpreter's version text; sent once, when it was found */
	WIRE_SPAN_END,		/* message: the name of a span that ends here; … */
	WIRE_SPAN_BEGIN,	/* … that begins */
	WIRE_PAYLOAD,		/* bytes of the message whose head is in front */
};

struct wire_slot {
	uint32_t seq;		/* lap + 1, stored last with release: this slot's contents are those of this lap */
	uint8_t kind;
	uint8_t n;		/* WIRE_PAYLOAD: how many bytes */
	uint16_t ms;		/* low bits of the collector's clock word */
	uint64_t addr;		/* message: its id */
	uint64_t size;		/* message: bytes in all; they follow in ceil(size / WIRE_PAYLOAD_BYTES) slots */
	uint32_t stack;
	uint32_t tid;
};

/*
 * In `stack` of a record that gives memory back: below Python's allocator; if the address is unknown, that is no news.
 */
#define WIRE_NESTED 1u

#define WIRE_PAYLOAD_BYTES 26		/* a payload slot: seq, kind, n, then bytes to its end */
#define WIRE_MESSAGE_MAX (400u << 10)

/* The formats of CPython's line tables. */
enum wire_lines {
	WIRE_LINES_NONE,	/* no table */
	WIRE_LINES_LNOTAB,	/* 3.8, 3.9: co_lnotab */
	WIRE_LINES_PEP626,	/* 3.10: co_linetable */
	WIRE_LINES_PEP657,	/* from 3.11 */
};

/* The id of WIRE_PYTHON: native nodes carry how many Python frames they run. Without: evaluators are known by name. */
#define WIRE_PYTHON_RUNS 1u

/*
 * A code object. Numbers are given by content, from 1. Bytes after it: name,
 * file, line table. Strings are UTF-8; what was no Unicode text (lone
 * surrogates) is written \udcff, as Python's backslashreplace does.
 */
struct wire_code {
	uint32_t id;
	int32_t first_line;
	uint32_t name_size, file_size, table_size;
	uint8_t lines;		/* enum wire_lines: the line table's format */
	uint8_t pad[3];
};

/* The parent of outermost native nodes: this bit and a generation, new when addresses came to mean other code. */
#define WIRE_NATIVE_ROOT 0x80000000u

/*
 * What a C frame runs: 0 no Python; an evaluator of the interpreter k + 1 for k
 * frames of the Python stack it is paired with, the newest evaluator the newest
 * frames; WIRE_RUNS_REST: all that the other evaluators leave.
 */
#define WIRE_RUNS_REST 0x7fffu
#define WIRE_RUNS(k) ((uint16_t)((k) + 1 < WIRE_RUNS_REST ? (k) + 1 : WIRE_RUNS_REST))

/*
 * A loaded object, told before the first native node in it. It replaces what lay there. Bytes after it: path, build id.
 */
struct wire_module {
	uint64_t start, end;		/* addresses */
	uint64_t bias;			/* address - bias = address in the file's own terms */
	uint32_t path_size;		/* 0: the program itself */
	uint32_t id_size;
};

/* What an agent says first. */
struct wire_hello {
	uint32_t magic, log2_slots;
	int32_t pid, ppid;	/* as the process itself knows them */
	uint8_t key[WIRE_KEY_BYTES];
};

/* The answer. It carries two descriptors: the agent's ring, and the control page. */
struct wire_answer_key {
	uint8_t key[WIRE_KEY_BYTES];
};

/* Between reserve and commit `inside` is odd; `ticket` is the last one reserved. One cache line each. */
struct wire_thread {
	volatile uint64_t inside, ticket;
	volatile uint32_t tid, pad32;	/* 0: the entry is free */
	volatile uint64_t local;	/* in the target: the thread's own state */
	uint64_t pad[4];
};

struct wire_ring {
	uint32_t magic, log2_slots;
	int32_t pid, ppid;
	uint64_t pad0[6];
	/* producers */
	volatile uint64_t head;
	uint64_t pad1[7];
	/* the collector, once a batch */
	volatile uint64_t tail;
	volatile uint32_t waiters, wake;	/* producers asleep for space; a futex word to wake them by */
	uint64_t pad2[6];
	volatile uint32_t n_threads;		/* entries of threads[] ever used */
	volatile uint32_t no_entry;		/* threads that found none: then no hole can be called abandoned */
	/* futex: set by an agent that was loaded late, when nothing comes any more */
	volatile uint32_t detached;
	volatile uint32_t joined;		/* set by the agent once it has the ring */
	uint32_t pad3[12];
	struct wire_thread threads[WIRE_MAX_THREADS];
};

/* The control page, which all rings of one collector share. Agents can only read it: none can harm another. */
struct wire_control {
	volatile uint32_t asleep;	/* futex: 1 while the collector sleeps until a quarter of a ring is filled */
	uint32_t pad0[15];
	volatile uint32_t ms;		/* clock: milliseconds since the start */
	volatile uint32_t off;		/* futex: it wants no more: its output failed, or it was asked to end */
	uint32_t pad1[14];
	pthread_mutex_t life;		/* robust, held by the collector while it lives */
};

/*
 * What memrec leaves in a running process for the agent it has loaded there.
 * `how`: "ADDRESS FLAGS PATH": the collector's, WIRE_FLAG_…, and the agent's file for programs
 * that are executed (may be empty).
 */
enum wire_answer { WIRE_WAIT, WIRE_STARTED, WIRE_REFUSED };
struct wire_request {
	volatile uint32_t answer, taken;	/* taken: memrec has read the answer */
	uint64_t scratch, scratch_size;		/* to be unmapped by the agent when all is over */
	char error[256];			/* WIRE_REFUSED: why */
	char how[4096 + WIRE_ADDRESS_MAX + 32];
};

#define WIRE_CONTROL_BYTES 4096ul
#define WIRE_RING_BYTES ((sizeof(struct wire_ring) + 4095) & ~4095ul)

#endif
