/*
 * ring.h - putting an event into the ring: the hot path, inlined into the hooks
 *
 * It reads no clock (the collector stores milliseconds in the control page), takes no
 * lock, and makes no system call unless the ring is full or the collector sleeps
 * and a quarter of the ring has been filled.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>

#include "wire.h"
#include "agent.h"
#include "libc.h"

enum ring_state {
	RING_NEW = 0,	/* in a forked child, as fork wipes the state page */
	RING_ON,
	RING_OFF,
	RING_BUSY,	/* a thread is connecting */
};

/* Prevents a thread's events from being recorded twice, or while the agent is not ready for them. */
enum guard {
	GUARD_NONE = 0,
	GUARD_CAPTURE,	/* reading the stack: events of signal handlers are recorded without a stack */
	GUARD_PYTHON,	/* inside Python's allocator: see record.h */
	/* inside the real allocator or the agent: calls made there are not the program's */
	GUARD_DROP,
};

struct ring_local {
	struct wire_thread *entry;
	uint64_t tail;		/* the ring's, when last read */
	uint32_t tid;
	uint32_t generation;	/* of the ring that this was initialised for */
	uint8_t guard;
};

extern volatile uint32_t *ring_state;
extern struct wire_ring *ring;
extern struct wire_control *ring_control;
extern struct wire_slot *ring_slots;
extern uint64_t ring_mask;
extern volatile uint32_t ring_generation;
extern __thread struct ring_local ring_local STATIC_TLS;

/* ---------------------------------------------------------------- cold parts */

/* Puts one record (kinds in wire.h). Waits while the ring is full; does nothing if recording has ended. */
void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack);

struct piece { const void *p; size_t n; };
/* Puts one record that carries the pieces' bytes, joined and truncated to WIRE_MESSAGE_MAX. */
void ring_message(uint8_t kind, uint64_t id, const struct piece *pieces, size_t n_pieces);

/* Returns the process that is recorded. In a vfork child that is its parent, whose memory it shares. */
pid_t ring_process(void);

/* Returns the collector's pid, as numbered in this process's namespace. */
pid_t ring_collector(void);

/* Creates the state page; after this, ring_on() may return true. */
void ring_init(void);
/*
 * Called when this process has got a ring of its own, with the agent's guard set, before the first event.
 * Definitions put into another ring must be put again. Set once, by the constructor.
 */
enum ring_beginning {
	RING_FIRST,
	RING_FORKED,		/* a forked child: locks and other threads' states are as they were at the fork */
	RING_AGAIN,		/* a new session; no thread is inside the last one */
};
extern void (*ring_begun)(enum ring_beginning how);
/* Called each time the collector is woken while recording continues, set before anything is recorded. */
extern void (*ring_rung)(void);

/* A child that is not recorded: count it, once. In its parent (other: a program it starts), or in itself. */
COLD void ring_note_child(bool other);
/* A program to be recorded is executed here (other: by posix_spawn): counts it if it cannot reach the collector. */
COLD void ring_note_program(bool other);

/* A program is executed that would be recorded, but cannot load the agent (program.h). */
COLD void ring_note_unfit(void);

COLD bool ring_connect(void);		/* in state RING_NEW: connects, if this process is to be recorded */
COLD void ring_new_thread(void);
COLD bool ring_wait(uint64_t last);	/* waits until slot `last` is free; false: recording ended */
COLD void ring_bell(void);

/*
 * A session of an agent that was loaded late. ring_start() connects as the orders say; it fails while a thread is
 * still inside the last session. After ring_stop() no thread puts anything; it returns false if a thread
 * does not leave. If it returned true, ring_retire() releases the mappings.
 */
bool ring_start(void);
bool ring_stop(void);
void ring_retire(void);

/* Returns whether events of this process are recorded now. */
static inline bool ring_on(void)
{
	uint32_t s = *ring_state;
	if (LIKELY(s == RING_ON))
		return true;
	return s == RING_NEW && ring_local.guard == GUARD_NONE && ring_connect();
}

static inline uint64_t ring_reserve(uint64_t n)
{
#if defined(__x86_64__)
	/* The process has one thread, and a plain xadd is atomic with respect to that thread's signal handlers. */
	if (*libc_single_threaded) {
		__asm__ volatile("xaddq %0, %1" : "+r"(n), "+m"(ring->head) : : "memory");
		return n;
	}
#endif
	return __atomic_fetch_add(&ring->head, n, __ATOMIC_ACQ_REL);
}

struct reservation {
	uint64_t first, inside, ticket;
};

/*
 * Reserves n slots. The thread's entry is marked "inside" from before the reservation
 * until ring_leave(), so that the collector never takes a slow thread's slot
 * for an abandoned one. Nests in signal handlers. Returns false if recording has ended.
 *
 * The state is checked again after "inside" is visible: ring_stop() first ends the recording
 * and then looks for threads inside, so one of the two sees the other.
 */
static inline bool ring_enter(struct reservation *r, uint64_t n)
{
	if (UNLIKELY(ring_local.generation != ring_generation))
		ring_new_thread();
	struct wire_thread *me = ring_local.entry;
	r->inside = me->inside;
	r->ticket = me->ticket;
	__atomic_store_n(&me->inside, (r->inside | 1) + (r->inside & 1) * 2, __ATOMIC_RELEASE);
	__asm__ volatile("" ::: "memory");
	if (UNLIKELY(*ring_state != RING_ON || ring_local.generation != ring_generation)) {
		me->inside = r->inside;
		return false;
	}
	r->first = ring_reserve(n);
	__atomic_store_n(&me->ticket, r->inside & 1 ? r->ticket : r->first, __ATOMIC_RELEASE);
	if (UNLIKELY(r->first + n - 1 - ring_local.tail > ring_mask) && !ring_wait(r->first + n - 1)) {
		me->inside = r->inside;
		return false;
	}
	return true;
}

static inline void ring_leave(const struct reservation *r)
{
	struct wire_thread *me = ring_local.entry;
	uint64_t odd = (r->inside | 1) + (r->inside & 1) * 2;
	__atomic_store_n(&me->inside, r->inside & 1 ? odd : odd + 1, __ATOMIC_RELEASE);
	if (UNLIKELY((r->first & (ring_mask >> 2)) == 0) &&
	    __atomic_load_n(&ring_control->asleep, __ATOMIC_RELAXED))
		ring_bell();
}

/* The last store to a slot: sequence number, kind, n and clock in one word. */
static inline void ring_commit(uint64_t ticket, uint8_t kind, uint8_t n)
{
	struct wire_slot *s = &ring_slots[ticket & ring_mask];
	uint16_t ms = (uint16_t)__atomic_load_n(&ring_control->ms, __ATOMIC_RELAXED);
	union {
		struct {
			uint32_t seq;
			uint8_t kind, n;
			uint16_t ms;
		} f;
		uint64_t word;
	} u = { .f = { (uint32_t)(ticket >> WIRE_LOG2_SLOTS) + 1, kind, n, ms } };
	__atomic_store_n((uint64_t *)(void *)s, u.word, __ATOMIC_RELEASE);
}

static inline void ring_put_inline(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	struct reservation r;
	if (UNLIKELY(!ring_enter(&r, 1)))
		return;
	struct wire_slot *s = &ring_slots[r.first & ring_mask];
	__builtin_prefetch(&ring_slots[(r.first + 16) & ring_mask], 1, 3);
	s->addr = addr;
	s->size = size;
	s->stack = stack;
	s->tid = ring_local.tid;
	ring_commit(r.first, kind, 0);
	ring_leave(&r);
}

#endif
