/*
 * traced.c - a process whose records are being applied: its threads, its stacks, the rows of its allocations
 */
#include "traced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "procfs.h"
#include "xmalloc.h"

void process_refuse(struct process *p, const char *what)
{
	if (!p->refused)
		warn("process %d: no longer recorded: its ring is corrupt (%s)", p->pid, what);
	p->refused = true;
}

/* ---------------------------------------------------------------- threads */

static bool has_tid(const void *threads, uint32_t n, const void *tid)
{
	return ((struct traced_thread *const *)threads)[n]->tid == *(const uint32_t *)tid;
}

static struct traced_thread *thread_find(struct process *p, uint32_t tid)
{
	uint32_t n = index_put(&p->thread_index, index_hash(tid, 0), has_tid, p->threads, &tid, p->n_threads);
	if (n == p->n_threads) {
		GROW(p->threads, (size_t)n, p->cap_threads);
		p->threads[n] = xcalloc(1, sizeof **p->threads);
		p->threads[n]->tid = tid;
		p->n_threads++;
	}
	return p->threads[n];
}

void thread_name(struct process *p, struct traced_thread *t)
{
	char path[64], name[sizeof t->name];
	snprintf(path, sizeof path, "/proc/%d/task/%u/comm", p->pid, t->tid);
	if (procfs_read(path, name, sizeof name) <= 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	if (strcmp(name, t->name) == 0)
		return;
	strcpy(t->name, name);
	struct mt_event ev = {
		.kind = MT_THREAD, .pid = (uint32_t)p->pid, .tid = t->tid, .name = { name, strlen(name) }
	};
	output_put(p->out, &ev, p->out->now_ms);
}

struct traced_thread *thread_begin(struct process *p, uint32_t tid)
{
	p->thread = thread_find(p, tid);
	p->thread->active = true;
	if (!p->thread->name[0])
		thread_name(p, p->thread);
	return p->thread;
}

/* ---------------------------------------------------------------- stacks */

void node_stack_put(struct process *p, uint32_t n, uint32_t stack)
{
	struct node_stacks *nodes = &p->nodes;
	GROW_ZEROED(nodes->stack, n, nodes->n, nodes->cap);
	nodes->stack[n] = stack;
}

uint32_t node_stack_find(struct process *p, uint32_t node)
{
	uint32_t n = node - p->last_nodes.first, stack = n < p->last_nodes.n ? p->last_nodes.stack[n] : 0;
	if (stack || !p->hybrid)
		return stack;
	stack = hybrid_stack_alone(p->hybrid, node);
	n = node - p->nodes.first;
	if (stack && WIRE_NODE_INDEX(n) == n)	/* otherwise of the last epoch, or a number that was not given out */
		node_stack_put(p, n, stack);
	return stack;
}

void nodes_begin(struct process *p, uint32_t epoch, uint64_t ticket)
{
	free(p->last_nodes.stack);
	p->last_nodes = p->nodes;
	p->nodes = (struct node_stacks){ .first = epoch << WIRE_EPOCH_SHIFT, .ticket = ticket };
	if (p->hybrid)
		hybrid_epoch(p->hybrid, p->nodes.first);
}

uint32_t label_of(struct process *p, const struct wire_slot *s)
{
	bool is_main = s->tid == (uint32_t)p->own_pid, is_new = s->stack == WIRE_NO_FRAME && !p->thread->has_frames;
	enum label label = phases_label(&p->phases, is_main, is_new);
	if (!p->labels[label])
		p->labels[label] = output_stack(p->out, 0, phases_frame(p->out, label));
	return p->labels[label];
}
