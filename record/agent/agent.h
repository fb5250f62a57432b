/*
 * agent.h - what the parts of the agent know of one another
 *
 * The agent is a library in somebody else's process. Its rules: no heap, no
 * stdio, no threads, no locks that a fork or a signal could strand, raw system
 * calls for its own memory, errno kept, nothing exported but the hooks.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((noinline, cold))
#define HOOK __attribute__((visibility("default")))

/* ---- memory.c: the agent's own memory, by raw system calls ---- */

/* Zeroed pages, not reserved, seen by no hook. NULL: none to be had. */
void *pages_new(size_t size);
void pages_free(void *p, size_t size);

/* ---- memory.c: a lock for rare paths ---- */

/*
 * Spins, then sleeps by futex. Taken only on paths that create something new;
 * a forked child starts with fresh locks (agent_forked()).
 */
struct lock { uint32_t word; };
void lock_take(struct lock *l);
/* Take it if it is free. */
bool lock_try(struct lock *l);
void lock_drop(struct lock *l);

/* ---- ring.c: events to the collector ---- */

/* Put one record (kinds in wire.h). Waits while the ring is full; silently nothing when recording is off. */
void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack);

struct piece { const void *p; size_t n; };
/* Put one record that carries bytes: the pieces, joined. Truncated to WIRE_MESSAGE_MAX bytes. */
void ring_message(uint8_t kind, uint64_t id, const struct piece *pieces, size_t n_pieces);

/* The process that is recorded: where a vfork child runs, its parent, whose threads share the memory. */
pid_t ring_process(void);
/* The kernel's number of the calling thread, cached. */
uint32_t ring_tid(void);

/* ---- pystack.c: the calling thread's Python stack ---- */

/* Look for an interpreter (in the constructor, and again now and then until found). Allocates nothing. */
void pystack_init(void);
/* The calling thread is about to load or unload objects: look at each allocation for a while. Any thread, keeps errno. */
void pystack_opening(void);
/*
 * The calling thread's Python stack as a node number (wire.h, WIRE_NODE), every new
 * code object, node and its parents put into the ring before it; 0: no Python here.
 * Called by the hooks with the agent's guard set; keeps errno.
 */
uint32_t pystack_capture(void);
/* A forked child that is recorded: forget every number given out and every lock. */
void pystack_forked(void);
/* A new session, no thread in a capture: forget every number given out. */
void pystack_restarted(void);
/* The recording ended: what was changed in the interpreter is put back. */
void pystack_stop(void);

#endif
