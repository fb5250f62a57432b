/*
 * plant.c - turn a recording's stacks into a page's tree, with frames for processes, threads and allocators
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "trace.h"
#include "xmalloc.h"

#define LONGEST_COMMAND 500	/* bytes */

struct planting {
	const struct recording *r;
	struct tree *t;
	uint32_t *place_of;	/* per frame of `stacks`; 0 = not made yet (place 0 is the root's) */
	uint32_t *node_of;	/* per stack, its node under the current thread and phase; 0 = not made yet */
	uint32_t *path;		/* stacks of a path, innermost first */
	size_t cap_path;
	uint32_t *thread_node;	/* per thread, the node above its stacks; 0 = not made yet, or "all" */
	uint32_t n_threads;	/* one past the largest number */
	uint32_t allocator_place[MT_N_ALLOCATORS + 1];
	struct pids commands;	/* by pid: the process with its command */
	struct pids process_nodes;
	uint32_t phase_place[PHASE_SHUTDOWN + 1];
	bool processes, threads, allocators;
};

/* ---------------------------------------------------------------- places */

static enum place_kind kind_of(const struct function *f, const struct place *place, const struct tree *t)
{
	if (function_is_label(f))
		return PLACE_VIRTUAL;
	if (file_is_import_system(f->file, strlen(f->file)))
		return PLACE_IMPORT;
	switch (f->lang) {
	case MT_LANG_PYTHON: return PLACE_PYTHON;
	case MT_LANG_NATIVE: return PLACE_NATIVE;
	}
	return tree_guess_kind(t, place->name, place->file);
}

static uint32_t add_place(struct tree *t, const struct recording *r, const struct frame *frame)
{
	const struct function *f = stacks_function(r->stacks, frame->function);
	const struct source *source = r->sources ? sources_find(r->sources, f->file, frame->line) : NULL;
	const char *name = f->name[0] ? f->name : "[unknown]";
	struct place place = {
		.name = tree_text(t, name, strlen(name)),
		.file = tree_text(t, f->file, strlen(f->file)),
		.module = tree_text(t, f->module, strlen(f->module)),
		.line = frame->line,
	};

	if (source) {
		place.source = tree_source(t, source->text.p, source->text.n);
		place.before = source->before;
	}
	place.kind = kind_of(f, &place, t);
	return tree_place(t, &place);
}

/* Returns a place for a virtual frame, which is not code. Frees `text`. */
static uint32_t add_virtual(struct tree *t, char *text, enum place_kind kind)
{
	uint32_t place = tree_place(t, &(struct place){ .name = tree_text(t, text, strlen(text)), .kind = kind });

	free(text);
	return place;
}

/* ---------------------------------------------------------------- processes and threads */

/* The first process of each pid that has a command. */
static void find_commands(struct planting *p)
{
	for (size_t i = 0; i < p->r->n_processes; i++) {
		uint32_t *n = pids_number(&p->commands, p->r->processes[i].pid);
		if (*n == PIDS_NONE && p->r->processes[i].command[0])
			*n = (uint32_t)i;
	}
}

/* With most of its command: the page's label leaves out the folders before it, which may be long. */
static char *named_process(uint32_t pid, const char *command)
{
	size_t n = strnlen(command, LONGEST_COMMAND);

	if (n == LONGEST_COMMAND)
		while (n && (command[n] & 0xc0) == 0x80)	/* not within a character */
			n--;
	return xasprintf("[process %u: %.*s]", (unsigned)pid, (int)n, command);
}

static uint32_t process_node(struct planting *p, uint32_t pid)
{
	uint32_t *node = pids_number(&p->process_nodes, pid), command = *pids_number(&p->commands, pid);

	if (*node == PIDS_NONE)
		*node = calltree_child(p->t->calls, 0,
				       add_virtual(p->t,
						   command == PIDS_NONE
						       ? xasprintf("[process %u]", (unsigned)pid)
						       : named_process(pid, p->r->processes[command].command),
						   PLACE_PROCESS));
	return *node;
}

static uint32_t make_thread_node(struct planting *p, uint32_t thread)
{
	const struct thread *t = threads_thread(p->r->threads, thread);
	uint32_t node = p->processes ? process_node(p, t->pid) : 0;

	if (!p->threads)
		return node;
	char *name = t->name[0] ? xasprintf("[thread %s]", t->name) : xasprintf("[thread %u]", (unsigned)t->tid);
	return calltree_child(p->t->calls, node, add_virtual(p->t, name, PLACE_THREAD));
}

static void count_parties(struct planting *p, bool processes)
{
	const struct recording *r = p->r;
	uint32_t first = 0;

	p->processes = processes;
	p->allocators = (r->allocators & (r->allocators - 1)) != 0;
	for (size_t i = 0; i < r->keys.n; i++) {
		uint32_t pid = threads_thread(r->threads, r->keys.at[i].thread)->pid;
		if (i == 0)
			first = pid;
		if (r->keys.at[i].thread >= p->n_threads)
			p->n_threads = r->keys.at[i].thread + 1;
		p->processes |= pid != first;
		p->threads |= r->keys.at[i].thread != r->keys.at[0].thread;
	}
}

/* ---------------------------------------------------------------- stacks */

static uint32_t place_of_frame(struct planting *p, uint32_t frame)
{
	if (!p->place_of[frame])
		p->place_of[frame] = add_place(p->t, p->r, stacks_frame(p->r->stacks, frame));
	return p->place_of[frame];
}

static const char *const phase_names[] = {
	[PHASE_START_UP] = "[interpreter start-up]", [PHASE_SHUTDOWN] = "[interpreter shutdown]",
};

/* What a phase's stacks hang under: all that is not the script's is one box. */
static uint32_t phase_node(struct planting *p, uint32_t root, enum phase phase)
{
	if (phase == PHASE_SCRIPT)
		return root;
	if (!p->phase_place[phase])
		p->phase_place[phase] = add_virtual(p->t, xstrdup(phase_names[phase]), PLACE_VIRTUAL);
	return calltree_child(p->t->calls, root, p->phase_place[phase]);
}

/* Whether a stack is called by that phase's label: the frame is there already. */
static bool is_phase_label(const struct stacks *stacks, const struct stack *s, enum phase phase)
{
	const struct function *f = stacks_function(stacks, stacks_frame(stacks, s->frame)->function);

	return phase != PHASE_SCRIPT && s->parent == 0 && function_is_label(f) &&
	       strcmp(f->name, phase_names[phase]) == 0;
}

/* Returns the node of a stack below a thread's, in one phase; node_of shows which callers' nodes exist already. */
static uint32_t node_of_stack(struct planting *p, uint32_t thread, enum phase phase, uint32_t stack)
{
	const struct stacks *stacks = p->r->stacks;
	uint32_t root = phase_node(p, p->thread_node[thread], phase), node = root;
	size_t n = 0;

	if (stack == 0)
		return calltree_child(p->t->calls, root, place_of_frame(p, 0));
	for (uint32_t s = stack; s; s = stacks_stack(stacks, s)->parent) {
		if (is_phase_label(stacks, stacks_stack(stacks, s), phase))
			break;
		if (p->node_of[s]) {
			node = p->node_of[s];
			break;
		}
		GROW(p->path, n, p->cap_path);
		p->path[n++] = s;
	}
	while (n-- > 0) {
		uint32_t s = p->path[n];
		node = calltree_child(p->t->calls, node, place_of_frame(p, stacks_stack(stacks, s)->frame));
		p->node_of[s] = node;
	}
	return node;
}

/* Forgets the nodes of these keys' stacks, before those of another thread or phase. */
static void forget_nodes(struct planting *p, const uint32_t *keys, size_t n)
{
	const struct recording *r = p->r;

	for (size_t i = 0; i < n; i++)
		for (uint32_t s = r->keys.at[keys[i]].stack; s && p->node_of[s]; s = stacks_stack(r->stacks, s)->parent)
			p->node_of[s] = 0;
}

static uint32_t node_of_key(struct planting *p, const struct who *who)
{
	if (!p->thread_node[who->thread])
		p->thread_node[who->thread] = make_thread_node(p, who->thread);
	uint32_t node = node_of_stack(p, who->thread, who->phase, who->stack);
	if (!p->allocators)
		return node;
	uint32_t *place = &p->allocator_place[who->allocator < MT_N_ALLOCATORS ? who->allocator : MT_N_ALLOCATORS];
	if (!*place)
		*place = add_virtual(p->t, xasprintf("[%s]", mt_allocator_name(who->allocator)), PLACE_ALLOCATOR);
	return calltree_child(p->t->calls, node, *place);
}

static int by_thread(const void *a, const void *b, void *arg)
{
	const struct who *who = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (who[x].thread != who[y].thread)
		return who[x].thread < who[y].thread ? -1 : 1;
	if (who[x].phase != who[y].phase)
		return who[x].phase < who[y].phase ? -1 : 1;
	return who[x].stack != who[y].stack ? (who[x].stack < who[y].stack ? -1 : 1) : x < y ? -1 : x > y;
}

/* Returns the keys grouped by thread and phase, as node_of is valid for one of these at a time. */
static uint32_t *order_of_keys(const struct keys *keys)
{
	uint32_t *order = xmalloc((keys->n + 1) * sizeof *order);

	bool sorted = true;

	for (uint32_t i = 0; i < keys->n; i++) {
		order[i] = i;
		sorted = sorted && (i == 0 || by_thread(&order[i - 1], &order[i], keys->at) < 0);
	}
	if (!sorted)
		qsort_r(order, keys->n, sizeof *order, by_thread, keys->at);
	return order;
}

static bool is_one_group(const struct who *a, const struct who *b)
{
	return a->thread == b->thread && a->phase == b->phase;
}

static void add_memory(struct tree *t, uint32_t node, struct amount a)
{
	if (!tree_add(t, node, a.bytes, a.count))
		die("the trace holds more than 2^53 bytes");
}

uint32_t *recording_plant(const struct recording *r, struct tree *t, bool processes)
{
	struct planting p = {
		.r = r,
		.t = t,
		.place_of = xcalloc(stacks_frame_count(r->stacks) + 1, sizeof *p.place_of),
		.node_of = xcalloc(stacks_count(r->stacks) + 1, sizeof *p.node_of),
	};
	uint32_t *nodes = xcalloc(r->keys.n + 1, sizeof *nodes), *order = order_of_keys(&r->keys);

	count_parties(&p, processes);
	find_commands(&p);
	p.thread_node = xcalloc((size_t)p.n_threads + 1, sizeof *p.thread_node);
	for (size_t i = 0, begin = 0; i < r->keys.n; i++) {
		uint32_t key = order[i];
		if (!is_one_group(&r->keys.at[order[begin]], &r->keys.at[key])) {
			forget_nodes(&p, order + begin, i - begin);
			begin = i;
		}
		struct amount held = key < r->n_sums ? r->sums[key] : (struct amount){ 0, 0 };
		if (!r->points && !held.bytes && !held.count)
			continue;
		nodes[key] = node_of_key(&p, &r->keys.at[key]);
		add_memory(t, nodes[key], held);
	}
	for (size_t i = 0; r->points && i < points_intervals(r->points); i++) {
		struct interval interval = points_interval(r->points, i);
		if (recording_wants(r, &interval))
			add_memory(t, nodes[interval.key], interval.amount);
	}
	free(order);
	free(p.place_of);
	free(p.node_of);
	free(p.path);
	free(p.thread_node);
	pids_clear(&p.commands);
	pids_clear(&p.process_nodes);
	return nodes;
}
