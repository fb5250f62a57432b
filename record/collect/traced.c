/*
 * traced.c - a process whose records are being applied: its threads, its stacks, the rows of its allocations
 */
#include "traced.h"

#include <stdio.h>
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

void stacks_room(struct process *p, uint32_t node)
{
	size_t cap = p->cap_stacks;
	GROW(p->stacks, node, p->cap_stacks);
	memset(p->stacks + cap, 0, (p->cap_stacks - cap) * sizeof *p->stacks);
}

uint32_t native_stack_of(struct process *p, uint32_t node)
{
	bool native = hybrid_is_native(p->hybrid, node);
	uint32_t stack = native ? hybrid_stack(p->hybrid, node, 0) : hybrid_python_stack(p->hybrid, node);
	if (stack == 0)		/* also a number that was not given out, which gets no room */
		return 0;
	stacks_room(p, node);
	return p->stacks[node] = stack;
}

uint32_t label_of(struct process *p, const struct wire_slot *s)
{
	bool is_main = s->tid == (uint32_t)p->own_pid, is_new = s->stack == WIRE_NO_FRAME && !p->thread->has_frames;
	enum label label = phases_label(&p->phases, is_main, is_new);
	if (!p->labels[label])
		p->labels[label] = output_stack(p->out, 0, phases_frame(p->out, label));
	return p->labels[label];
}
