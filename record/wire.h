/*
 * wire.h - the ring between an agent and the collector
 *
 * One shared mapping (a memfd) per process: a header of some pages, then 2^n
 * slots of 32 bytes, two to a cache line, then the counts of sampled blocks. And
 * one page, the control page, which all processes share and only the collector
 * writes to. Producers (any thread of the target) reserve slots by adding to `head`, fill them
 * and commit each by storing its `seq` last. The collector takes them in the order of reservation.
 *
 * Only an agent and a memrec of the same build use it together; `magic` is checked.
 */
#ifndef WIRE_H
#define WIRE_H

#include <pthread.h>
#include <stdint.h>

#define WIRE_MAGIC 0x4d52000bu
#define WIRE_LOG2_SLOTS 16		/* 64K slots, 2 MiB: fits in a second-level cache (a larger ring is slower) */
#define WIRE_MAX_THREADS 4096

/* In the target's environment: "ADDRESS PID FLAGS", the collector's address and the pid of the first process. */
#define WIRE_ENV "MEMREC_AGENT"
/*
 * "NAME:USER:NAMESPACE:KEY": the name of the abstract socket; the collector's user, and the user namespace in which
 * it has that number (0: not known); and a struct wire_key in hexadecimal.
 */
#define WIRE_ADDRESS_MAX 192
#define WIRE_KEY_BYTES 16
/*
 * Each side shows its half. The agent goes first, if the listener runs as the collector's user; only an agent that has
 * shown its half learns the other one.
 */
struct wire_key {
	uint8_t agent[WIRE_KEY_BYTES], collector[WIRE_KEY_BYTES];
};
#define WIRE_FLAG_PYTHON_ALLOCATORS 1
#define WIRE_FLAG_FOLLOW_FORK 2
#define WIRE_FLAG_NATIVE 4
#define WIRE_FLAG_CENSUS 8		/* take a census when the interpreter begins to finalize */

enum wire_kind {
	/* Allocations: addr size stack. Numbered as in a trace's rows (enum mt_allocator). */
	WIRE_MALLOC = 1, WIRE_CALLOC, WIRE_REALLOC, WIRE_REALLOCARRAY, WIRE_POSIX_MEMALIGN, WIRE_ALIGNED_ALLOC,
	WIRE_MEMALIGN, WIRE_VALLOC, WIRE_PVALLOC, WIRE_MMAP, WIRE_MREMAP,
	WIRE_PYMALLOC_MALLOC, WIRE_PYMALLOC_CALLOC, WIRE_PYMALLOC_REALLOC,
	WIRE_MMAP_RESERVED,	/* private, anonymous, PROT_NONE */
	WIRE_MMAP_FILE,		/* of a file */
	WIRE_MIMALLOC, WIRE_JEMALLOC,	/* blocks of such an allocator inside a library */
	WIRE_POOL,		/* a block of a pool that the program itself reports */
	WIRE_ARENA,		/* a mapping that Python's own allocator made for its small blocks */
	WIRE_FREE = 32,		/* addr: before the real free */
	/* addr: before the real realloc; this thread's next record is an allocation, which frees the old block, … */
	WIRE_REALLOC_BEGIN,
	WIRE_REALLOC_FAILED,	/* … or this: the old block remains, … */
	WIRE_REALLOC_FREED,	/* … or this: realloc(p, 0) freed it */
	WIRE_UNMAP,		/* addr size: before the real munmap */
	WIRE_UNMAP_FAILED,	/* addr size: munmap failed; this thread's last WIRE_UNMAP had no effect */
	WIRE_REMAP_BEGIN,	/* addr size: before the real mremap; this thread's next record is WIRE_MREMAP or … */
	WIRE_REMAP_FAILED,	/* … this: the old mapping remains */
	WIRE_PROTECT,		/* addr size stack: after the real mprotect; the memory may be used from now on */
	WIRE_PROTECT_NONE,	/* addr size: after mprotect too, as it gives away no address; no longer usable */
	WIRE_PYMALLOC_FREE,	/* addr */
	WIRE_CODE,		/* message: a struct wire_code and its bytes */
	WIRE_NODE,		/* addr: code | (uint64_t)(uint32_t)lasti << 32; size: id << 32 | parent */
	WIRE_MODULE,		/* message: a struct wire_module and its bytes */
	/* a C frame; addr: an address in it | WIRE_RUNS << 48; size: id << 32 | parent */
	WIRE_NATIVE,
	WIRE_HYBRID,		/* two stacks at one moment; addr: the Python node; size: id << 32 | the native node */
	WIRE_WARN,		/* message: a line of text for the user, once */
	WIRE_STARTING,		/* the program has a Python; addr: whether its interpreter has begun. First of all */
	WIRE_FINALIZING,	/* the interpreter has begun to finalize; once */
	WIRE_PYTHON,		/* message: the interpreter's version text; sent once, when it is found */
	/* message: the name of a span that ends here; id 1: of all threads, 0: of this one; … */
	WIRE_SPAN_END,
	WIRE_SPAN_BEGIN,	/* … that begins here */
	WIRE_EPOCH,		/* addr: the epoch of all node numbers from here on */
	WIRE_TYPE,		/* addr: PyType_Type, the type of all types */
	WIRE_CENSUS_BEGIN,	/* blocks after this are not in the copy that this thread's next record announces, … */
	/* … this. addr: enum wire_moment; size: the copy's pid, or 0; stack: the us that took; the errno if 0 */
	WIRE_CENSUS,
	WIRE_KILLED,		/* a child was killed by SIGKILL; addr: its pid */
	WIRE_PAYLOAD,		/* bytes of the message whose head is before it */
};

struct wire_slot {
	uint32_t seq;		/* lap + 1, stored last with release: the slot holds a record of this lap */
	uint8_t kind;
	uint8_t n;		/* WIRE_PAYLOAD: its number of bytes */
	uint16_t ms;		/* low bits of the collector's clock word */
	uint64_t addr;		/* message: its id */
	uint64_t size;		/* message: its number of bytes, in the next ceil(size / WIRE_PAYLOAD_BYTES) slots */
	uint32_t stack;
	uint32_t tid;
};

/* In `stack` of an allocation: no Python frame, in a thread that the interpreter knows; 0: in any. */
#define WIRE_NO_FRAME 0x7fffffffu

/*
 * In `stack` of a record that frees memory: the call came from Python's allocator, so an unknown address is no error;
 * in that of a free: it was made while the collector of cycles ran, by its thread.
 */
#define WIRE_NESTED 1u
#define WIRE_COLLECTED 2u

#define WIRE_PAYLOAD_BYTES 26		/* a payload slot: seq, kind, n, then bytes up to its end */
#define WIRE_MESSAGE_MAX (400u << 10)

/* The formats of CPython's line tables. */
enum wire_lines {
	WIRE_LINES_NONE,	/* no table */
	WIRE_LINES_LNOTAB,	/* 3.8, 3.9: co_lnotab */
	WIRE_LINES_PEP626,	/* 3.10: co_linetable */
	WIRE_LINES_PEP657,	/* from 3.11 */
};

/* Why a census is taken. */
enum wire_moment {
	WIRE_MOMENT_REQUEST,	/* the program asked for it */
	WIRE_MOMENT_SCRIPT_END,	/* the interpreter is about to finalize */
	WIRE_MOMENT_DETACH,	/* the recording of an attached process ends */
};

/* The id of WIRE_PYTHON: native nodes carry their number of Python frames. If not set, evaluators are known by name. */
#define WIRE_PYTHON_RUNS 1u
/* It had begun before this process was recorded. */
#define WIRE_PYTHON_UNDERWAY 2u
/* Its frees are marked as WIRE_COLLECTED. */
#define WIRE_PYTHON_COLLECTS 4u

/*
 * A code object. Equal contents get the same number, from 1. Bytes after it: name,
 * file, line table. Strings are UTF-8; parts that are not Unicode text (lone
 * surrogates) are written as \udcff, as Python's backslashreplace does.
 */
struct wire_code {
	uint32_t id;
	int32_t first_line;
	uint32_t name_size, file_size, table_size;
	uint8_t lines;		/* enum wire_lines: the line table's format */
	uint8_t pad[3];
};

/*
 * A node's number: its epoch, and in the lower bits its number within that, from 1. Before an agent has too many
 * nodes, it begins the next epoch, without any. Until the one after that begins, records may still have the numbers
 * of the last one: a thread may have found its number before and put its record later. After the last epoch comes 0.
 */
#define WIRE_EPOCH_SHIFT 24
#define WIRE_EPOCHS 127u		/* WIRE_NO_FRAME would be of another */
#define WIRE_NODE_INDEX(id) ((id) & ((1u << WIRE_EPOCH_SHIFT) - 1))

/* The parent of outermost native nodes: this bit and a generation, which changes when addresses may mean other code. */
#define WIRE_NATIVE_ROOT 0x80000000u

/*
 * The Python frames that a C frame runs. 0: none. An evaluator of the interpreter: k + 1, if it runs k
 * frames of the Python stack it is paired with; the newest evaluator runs the newest
 * frames. WIRE_RUNS_REST: all frames that the other evaluators do not run.
 */
#define WIRE_RUNS_REST 0x7fffu
#define WIRE_RUNS(k) ((uint16_t)((k) + 1 < WIRE_RUNS_REST ? (k) + 1 : WIRE_RUNS_REST))

/*
 * A loaded object, sent before the first native node in it. It replaces objects at the same addresses. Bytes after it:
 * path, build id.
 */
struct wire_module {
	uint64_t start, end;		/* addresses */
	uint64_t bias;			/* address - bias = address as in the file */
	uint32_t path_size;		/* 0: the program itself */
	uint32_t id_size;
};

/* An agent's first message. */
struct wire_hello {
	uint32_t magic, log2_slots;
	int32_t pid, ppid;	/* in the process's own pid namespace */
	uint8_t key[WIRE_KEY_BYTES];
};

/* The answer. It carries two descriptors: the agent's ring, and the control page. */
struct wire_answer_key {
	uint8_t key[WIRE_KEY_BYTES];
};

/* Between reserving and committing, `inside` is odd. `ticket` is the last one reserved. One cache line each. */
struct wire_thread {
	volatile uint64_t inside, ticket;
	volatile uint32_t tid, pad32;	/* 0: the entry is free */
	volatile uint64_t local;	/* in the target: the address of the thread's state */
	uint64_t pad[4];
};

struct wire_ring {
	uint32_t magic, log2_slots;
	int32_t pid, ppid;
	uint64_t sample_bytes, seed;		/* --sample: the mean number of bytes between two samples; 0: all */
	uint64_t pad0[4];
	/* producers */
	volatile uint64_t head;
	uint64_t pad1[7];
	/* the collector, once per batch */
	volatile uint64_t tail;
	volatile uint32_t waiters, wake;	/* producers that wait for space; the futex word that wakes them */
	uint64_t pad2[6];
	volatile uint32_t n_threads;		/* entries of threads[] ever used */
	volatile uint32_t no_entry;		/* threads that found none free: then no hole can be called abandoned */
	/* futex: set by an agent that was loaded late, when it sends nothing more */
	volatile uint32_t detached;
	volatile uint32_t joined;		/* set by the agent once it has mapped the ring */
	volatile uint32_t children;		/* processes that it began and that are not recorded */
	volatile uint32_t off;			/* set by the collector: it takes nothing more of this process */
	volatile uint64_t own_bytes;		/* memory of the agent itself, without this ring */
	volatile uint32_t elsewhere;		/* programs executed in another network namespace */
	volatile uint32_t unfit;		/* programs executed that cannot load the agent (program.h) */
	uint32_t pad3[6];
	struct wire_thread threads[WIRE_MAX_THREADS];
};

/* The control page, shared by all rings of one collector. Agents can only read it, so none can harm another. */
struct wire_control {
	volatile uint32_t asleep;	/* futex: 1 while the collector sleeps until a quarter of a ring is filled */
	uint32_t pad0[15];
	volatile uint32_t ms;		/* clock: milliseconds since the start */
	volatile uint32_t off;		/* futex: recording has ended, because the output failed or on request */
	volatile uint32_t census;	/* the number of censuses that the collector has asked for, … */
	volatile uint32_t census_moment;	/* … and the enum wire_moment of the last one */
	uint32_t pad1[12];
	pthread_mutex_t life;		/* robust, held by the collector while it lives */
};

/*
 * A request that memrec writes into a running process for the agent it has loaded there.
 * `how`: "ADDRESS FLAGS PATH": the collector's address, WIRE_FLAG_…, and the agent's file for programs
 * that the process executes (may be empty).
 */
enum wire_answer { WIRE_WAIT, WIRE_STARTED, WIRE_REFUSED };
#define WIRE_RECORDS_ALREADY "memrec is already recording it"
struct wire_request {
	volatile uint32_t answer, taken;	/* taken: memrec has read the answer */
	uint64_t scratch, scratch_size;		/* the agent unmaps it at the end */
	char error[256];			/* WIRE_REFUSED: why */
	char how[4096 + WIRE_ADDRESS_MAX + 32];
};

#define WIRE_CONTROL_BYTES 4096ul
#define WIRE_RING_BYTES ((sizeof(struct wire_ring) + 4095) & ~4095ul)

/*
 * With --sample: how many sampled blocks may be live, for every 4 KiB of addresses; different addresses may share a
 * count. The agent adds 1 before it gives a sampled block to the program, the collector subtracts 1 when it has applied
 * the block's free; a count of 255 stays. So the agent has to record a free only if the count is not 0.
 * 64 neighbours share a cache line.
 */
#define WIRE_COUNTS (1u << 18)
#define WIRE_COUNT_MOST 255u
static inline uint32_t wire_count_of(uint64_t addr)
{
	return (uint32_t)((addr >> 18) * 0x9e3779b97f4a7c15u >> 52) << 6 | (uint32_t)(addr >> 12 & 63);
}

/*
 * A block is sampled as if it were this many bytes larger, about the overhead of an allocator: otherwise empty and tiny
 * blocks would be sampled so rarely that their number would be almost unknown.
 */
#define WIRE_SAMPLE_MORE 16

/*
 * Random numbers of --sample. Any state is a good one, also if it differs little from another.
 * Source: Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (SplitMix64).
 */
static inline uint64_t wire_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

#define WIRE_SLOTS_BYTES (sizeof(struct wire_slot) << WIRE_LOG2_SLOTS)
#define WIRE_SHARED_BYTES (WIRE_RING_BYTES + WIRE_SLOTS_BYTES + WIRE_COUNTS)
static inline uint8_t *wire_counts(struct wire_ring *r)
{
	return (uint8_t *)r + WIRE_RING_BYTES + WIRE_SLOTS_BYTES;
}

#endif
