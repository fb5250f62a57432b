/*
 * traced.h - a process whose records are being applied: its threads, its stacks, the rows of its allocations
 */
#ifndef TRACED_H
#define TRACED_H

#include "process.h"

/* Call for a record that no agent writes: warns, and stops reading this ring. */
void process_refuse(struct process *p, const char *what);

/* Writes the kernel's name of a thread, if it is new or has changed. */
void thread_name(struct process *p, struct traced_thread *t);
/* Returns the thread, which is from now on the one that thread_of() knows; the first time it also writes its name. */
struct traced_thread *thread_begin(struct process *p, uint32_t tid);

static inline struct traced_thread *thread_of(struct process *p, uint32_t tid)
{
	if (__builtin_expect(p->thread && p->thread->tid == tid, 1))
		return p->thread;
	return thread_begin(p, tid);
}

/* ---------------------------------------------------------------- allocations */

/* Returns when a slot was written, from its low clock bits and the collector's clock. */
static inline uint64_t slot_ms(const struct process *p, const struct wire_slot *s)
{
	return p->out->now_ms - (uint16_t)((uint16_t)p->out->now_ms - s->ms);
}

/* In the size of a block: made while the interpreter shut down, so it does not count as live (ending.h). */
#define APART (1ull << 47)

static inline bool is_apart(const struct process *p)
{
	return __builtin_expect(p->phases.now == PHASE_SHUTDOWN, 0);
}

/* size: the bytes it was counted as. */
static inline void put_free(struct process *p, const struct wire_slot *s, uint32_t id, uint64_t size)
{
	struct mt_event *ev = &p->out->freed;
	ev->pid = (uint32_t)p->pid;
	ev->tid = s->tid;
	ev->id = id;
	output_put(p->out, ev, slot_ms(p, s));
	process_live(p, 0, size & APART ? 0 : size);
}

static inline uint32_t put_alloc(struct process *p, const struct wire_slot *s, uint8_t allocator, uint64_t size,
				 uint64_t weight, uint32_t stack)
{
	struct mt_event *ev = &p->out->allocated;
	uint32_t id = ids_take(&p->out->ids);
	ev->allocator = allocator;
	ev->pid = (uint32_t)p->pid;
	ev->tid = s->tid;
	ev->id = id;
	ev->size = size;
	ev->weight = weight;
	ev->stack = stack;
	output_put(p->out, ev, slot_ms(p, s));
	if (mt_is_memory(allocator) && !is_apart(p))
		process_live(p, samples_bytes(size, weight), 0);
	return id;
}

/* ---------------------------------------------------------------- stacks */

/* Stores the stack of a node of the present epoch, by its number in that. */
void node_stack_put(struct process *p, uint32_t n, uint32_t stack);
/*
 * Finds the stack of a node that has none in the present epoch. With C stacks, nodes that are not pairs get their stack
 * when the first allocation uses them.
 */
uint32_t node_stack_find(struct process *p, uint32_t node);
/* The agent has begun an epoch. */
void nodes_begin(struct process *p, uint32_t epoch, uint64_t ticket);
/* Returns the stack of an allocation that has none: a label. */
uint32_t label_of(struct process *p, const struct wire_slot *s);

static inline uint32_t stack_of(struct process *p, uint32_t node)
{
	uint32_t n = node - p->nodes.first, stack = n < p->nodes.n ? p->nodes.stack[n] : 0;
	return __builtin_expect(stack == 0 && node != 0, 0) ? node_stack_find(p, node) : stack;
}

static inline uint32_t stack_at(struct process *p, const struct wire_slot *s)
{
	uint32_t stack = s->stack == WIRE_NO_FRAME ? 0 : stack_of(p, s->stack);
	if (__builtin_expect(stack == 0, 0))
		return label_of(p, s);
	p->thread->has_frames = true;
	return stack;
}

#endif
