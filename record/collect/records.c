/*
 * records.c - applies the records of a ring
 */
#include "records.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "info.h"
#include "mappings.h"
#include "snapshot.h"
#include "traced.h"
#include "xmalloc.h"

#define MOST_WARNINGS 16		/* of a process */
#define NUMBERS_AHEAD 65536		/* how far a number may exceed the ticket */

_Static_assert((int)WIRE_POOL == (int)MT_POOL && (int)MT_POOL == MT_N_ALLOCATORS - 1,
	       "allocators are numbered alike");

/* ---------------------------------------------------------------- allocations */

static bool is_python_program(const struct process *p)
{
	const char *slash = p->exe ? strrchr(p->exe, '/') : NULL;
	return slash && strncmp(slash + 1, "python", 6) == 0;
}

/* The thread that runs the script: of a program that embeds an interpreter, it may be any. */
static bool may_run_script(const struct process *p, const struct wire_slot *s)
{
	return s->tid == (uint32_t)p->own_pid || !is_python_program(p);
}

/* Returns whether the table of blocks can store it: 48 bits, and 0 means none. */
static inline bool is_address(uint64_t addr)
{
	return (addr - 1) >> 48 == 0;
}

static void put_free_of_block(struct process *p, const struct wire_slot *s, const struct address *was)
{
	put_free(p, s, was->id, was->size);
	if (p->samples.mean)
		samples_freed(&p->samples, was->addr);
}

/*
 * With --sample, frees are recorded also of blocks that only may have been sampled; with --from-script, also of blocks
 * made before.
 */
static void note_unknown_free(struct process *p)
{
	p->unknown_frees += p->samples.mean == 0 && !p->out->from_script;
}

static void take_block(struct process *p, const struct wire_slot *s)
{
	struct address old;
	if (__builtin_expect(!is_address(s->addr) || s->size >> 47, 0)) {
		process_refuse(p, "a block outside the address space");
		return;
	}
	/* If an address is allocated twice, it was freed in between without passing a hook. */
	if (addresses_take(&p->live, s->addr, &old))
		put_free_of_block(p, s, &old);
	uint64_t weight = __builtin_expect(p->samples.mean == 0, 1) ? 1 : samples_weight(&p->samples, s->size);
	uint64_t counted = samples_bytes(s->size, weight);
	uint32_t id = put_alloc(p, s, s->kind, s->size, weight, stack_at(p, s));
	addresses_put(&p->live, &(struct address){ s->addr, counted | (is_apart(p) ? APART : 0), id });
}

/* What the thread frees from now on, the collector of cycles frees (begins), or it no longer does. */
static __attribute__((noinline)) void put_collection(struct process *p, const struct wire_slot *s, bool begins)
{
	p->thread->collects = begins;
	struct mt_event ev = { .kind = MT_COLLECTION, .count = begins, .pid = (uint32_t)p->pid, .tid = s->tid };
	output_put(p->out, &ev, slot_ms(p, s));
}

static void take_free(struct process *p, const struct wire_slot *s)
{
	struct address was;
	if (is_address(s->addr) && addresses_take(&p->live, s->addr, &was)) {
		bool collected = s->stack & WIRE_COLLECTED;
		if (__builtin_expect(p->thread->collects != collected, 0))
			put_collection(p, s, collected);
		put_free_of_block(p, s, &was);
	} else if (!(s->stack & WIRE_NESTED))
		note_unknown_free(p);
}

/*
 * The block leaves the table at the begin, as another thread may get its
 * address at once, but the trace's free waits for the outcome: a realloc that
 * fails is no event.
 */
static void take_realloc_begin(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	if (t->pending == PENDING_REALLOC)
		put_free_of_block(p, s, &t->block);
	t->pending = PENDING_NONE;
	if (is_address(s->addr) && addresses_take(&p->live, s->addr, &t->block))
		t->pending = PENDING_REALLOC;
	else
		note_unknown_free(p);
}

static void take_realloc(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	if (t->pending == PENDING_REALLOC) {
		t->pending = PENDING_NONE;
		put_free_of_block(p, s, &t->block);
	}
	if (s->kind != WIRE_REALLOC_FREED)
		take_block(p, s);
}

static void take_realloc_failed(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	if (t->pending == PENDING_REALLOC)
		addresses_put(&p->live, &t->block);
	t->pending = PENDING_NONE;
}

/* ---------------------------------------------------------------- numbers */

/*
 * The agent assigns numbers in order and puts a record for each. A number far ahead of its ticket
 * is invented, and would need a table for all numbers before it.
 */
static bool is_number(struct process *p, uint32_t id, uint64_t ticket)
{
	if (id != 0 && id <= ticket + NUMBERS_AHEAD)
		return true;
	process_refuse(p, "a number that the agent cannot have assigned");
	return false;
}

/*
 * Checks the number of a node of the present epoch, which must be defined after its parent, so chains of parents have
 * no cycles. Returns its number within the epoch, or 0.
 */
static uint32_t new_node(struct process *p, uint32_t id, uint32_t parent, uint64_t ticket)
{
	uint32_t n = id - p->nodes.first;
	if (!is_number(p, WIRE_NODE_INDEX(n) == n ? n : 0, ticket - p->nodes.ticket))
		return 0;
	if (parent == 0 || parent - p->nodes.first < n)
		return n;
	process_refuse(p, "a stack defined before its caller");
	return 0;
}

static void take_epoch(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	if (s->addr == ((p->nodes.first >> WIRE_EPOCH_SHIFT) + 1) % WIRE_EPOCHS)
		nodes_begin(p, (uint32_t)s->addr, ticket);
	else
		process_refuse(p, "an epoch that is not the next");
}

/* ---------------------------------------------------------------- Python */

static uint8_t *message_bytes(struct process *p, const struct wire_slot *head, uint64_t ticket)
{
	size_t size = head->size, done = 0;
	uint8_t *bytes = xmalloc(size + 1);
	for (uint64_t t = ticket + 1; done < size; t++) {
		const struct wire_slot *s = &p->slots[t & p->mask];
		size_t n = size - done < WIRE_PAYLOAD_BYTES ? size - done : WIRE_PAYLOAD_BYTES;
		memcpy(bytes + done, (const uint8_t *)s + sizeof *s - WIRE_PAYLOAD_BYTES, n);
		done += n;
	}
	bytes[size] = 0;
	return bytes;
}

/* Returns the next n bytes, or as many as are left (the message may be truncated). */
static struct mt_str cut_text(const uint8_t **at, const uint8_t *end, size_t n)
{
	if (n > (size_t)(end - *at))
		n = (size_t)(end - *at);
	struct mt_str text = { (const char *)*at, n };
	*at += n;
	return text;
}

static void take_code(struct process *p, const uint8_t *bytes, size_t size, uint64_t ticket)
{
	struct wire_code w;
	if (size < sizeof w)
		return;
	memcpy(&w, bytes, sizeof w);
	if (!is_number(p, w.id, ticket))
		return;
	const uint8_t *at = bytes + sizeof w, *end = bytes + size;
	struct mt_event ev = { .lang = MT_LANG_PYTHON, .line = w.first_line > 0 ? (uint32_t)w.first_line : 0 };
	ev.name = cut_text(&at, end, w.name_size);
	ev.file = cut_text(&at, end, w.file_size);
	struct mt_str table = cut_text(&at, end, w.table_size);
	size_t cap = p->cap_codes;
	GROW(p->codes, w.id, p->cap_codes);
	memset(p->codes + cap, 0, (p->cap_codes - cap) * sizeof *p->codes);
	struct code *c = &p->codes[w.id];
	free(c->table);
	if (c->function && p->frames)
		memset(p->frames, 0, INSTRUCTIONS * sizeof *p->frames);
	*c = (struct code){
		.function = output_function(p->out, &ev),
		.first_line = w.first_line,
		.role = phases_role(ev.name, ev.file),
		.lines = (enum wire_lines)w.lines,
		.table = xmalloc(table.n + 1),
		.table_size = table.n,
	};
	memcpy(c->table, table.p, table.n);
}

static uint32_t make_frame(struct process *p, struct code *c, int lasti)
{
	int line = py_line(&c->place, c->lines, c->table, c->table_size, c->first_line, lasti);
	if (line <= 0)			/* an instruction that the compiler added has no line */
		line = c->first_line;
	return output_frame(p->out, c->function, line > 0 ? (uint32_t)line : 0);
}

/* Returns the frame of the instruction at byte `lasti` of code number n, and keeps it: many stacks share one. */
static uint32_t frame_of(struct process *p, uint32_t n, int lasti)
{
	if (!p->frames)
		p->frames = xcalloc(INSTRUCTIONS, sizeof *p->frames);
	uint32_t hash = n * 0x9E3779B1u + (uint32_t)lasti * 0x85EBCA6Bu;
	struct instruction *i = &p->frames[hash >> (32 - LOG2_INSTRUCTIONS)];
	if (i->frame == 0 || i->code != n || i->lasti != (uint32_t)lasti)
		*i = (struct instruction){ n, (uint32_t)lasti, make_frame(p, &p->codes[n], lasti) };
	return i->frame;
}

static void take_node(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	uint32_t code = (uint32_t)s->addr, id = (uint32_t)(s->size >> 32), parent = (uint32_t)s->size;
	uint32_t n = new_node(p, id, parent, ticket);
	if (n == 0)
		return;
	int lasti = (int)(int32_t)(s->addr >> 32);
	struct code *c = code < p->cap_codes ? &p->codes[code] : NULL;
	if (c && may_run_script(p, s) && phases_is_script(&p->phases, id, parent, c->role))
		phases_begin(&p->phases, PHASE_SCRIPT, p->out, (uint32_t)p->pid, slot_ms(p, s));
	/* 0: a thread ended before it had committed the definition. */
	uint32_t frame = c && c->function ? frame_of(p, code, lasti) : 0;
	if (p->hybrid) {
		hybrid_python_node(p->hybrid, id, parent, frame);
		return;
	}
	uint32_t caller = stack_of(p, parent);
	node_stack_put(p, n, frame ? output_stack(p->out, caller, frame) : caller);
}

/* ---------------------------------------------------------------- C */

static void take_module(struct process *p, const uint8_t *bytes, size_t size)
{
	struct wire_module m;
	if (size < sizeof m || !p->hybrid)
		return;
	memcpy(&m, bytes, sizeof m);
	const struct object *o = hybrid_module(p->hybrid, &m, bytes + sizeof m, size - sizeof m);
	struct info info;
	info_init(&info);
	info_text(&info, "module", o->name, strlen(o->name));
	if (o->build_id[0])
		info_text(&info, "build_id", o->build_id, strlen(o->build_id));
	info_int(&info, "address", (int64_t)m.start);
	output_process(p->out, p->pid, &info);
}

static void take_native(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	uint32_t id = (uint32_t)(s->size >> 32), parent = (uint32_t)s->size;
	parent = parent & WIRE_NATIVE_ROOT ? 0 : parent;
	if (p->hybrid && new_node(p, id, parent, ticket))
		hybrid_native(p->hybrid, id, parent, s->addr);
}

static void take_hybrid(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	uint32_t id = (uint32_t)(s->size >> 32), n = new_node(p, id, 0, ticket);
	if (n && p->hybrid)
		node_stack_put(p, n, hybrid_stack(p->hybrid, (uint32_t)s->size, (uint32_t)s->addr));
}

/* version: "3.11.2"; how: WIRE_PYTHON_RUNS */
static void take_python(struct process *p, const struct wire_slot *s, const char *version)
{
	size_t size = s->size, how = s->addr;
	enum phase phase = how & WIRE_PYTHON_UNDERWAY ? PHASE_SCRIPT : PHASE_START_UP;
	phases_begin(&p->phases, phase, p->out, (uint32_t)p->pid, slot_ms(p, s));
	struct info info;
	info_init(&info);
	info_text(&info, "python", version, size);
	if (how & WIRE_PYTHON_COLLECTS)
		info_int(&info, "collections", 1);
	free(p->python);
	p->python = xstrdup(version);
	output_process(p->out, p->pid, &info);
	p->out->n_pythons++;
	if (p->hybrid)
		hybrid_python(p->hybrid, how & WIRE_PYTHON_RUNS);
}

/* Only for a Python program: a program that embeds an interpreter may continue and free its blocks itself. */
static void take_finalizing(struct process *p, const struct wire_slot *s)
{
	if (!is_python_program(p))
		return;
	phases_begin(&p->phases, PHASE_SHUTDOWN, p->out, (uint32_t)p->pid, slot_ms(p, s));
	struct info info;
	info_init(&info);
	info_int(&info, "finalizing", 1);
	output_process(p->out, p->pid, &info);
}

static void take_span(struct process *p, const struct wire_slot *s, const char *name)
{
	struct mt_event ev = {
		.kind = MT_SPAN, .count = s->kind == WIRE_SPAN_BEGIN, .name = { name, s->size },
		.pid = (uint32_t)p->pid, .tid = s->addr ? 0 : s->tid,
	};
	thread_of(p, s->tid);
	output_put(p->out, &ev, slot_ms(p, s));
}

/* An agent has a few warnings, each once. */
static void take_warning(struct process *p, const char *text)
{
	if (p->n_warnings < MOST_WARNINGS)
		warn("process %d: %s", p->pid, text);
	else if (p->n_warnings == MOST_WARNINGS)
		warn("process %d: too many warnings; the others are not shown", p->pid);
	p->n_warnings += p->n_warnings <= MOST_WARNINGS;
}

/* Returns the number of slots that the message takes after its head. */
static uint64_t take_message(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	if (s->size > WIRE_MESSAGE_MAX) {
		process_refuse(p, "a message that is too long");
		return 0;
	}
	uint8_t *bytes = message_bytes(p, s, ticket);
	switch (s->kind) {
	case WIRE_CODE:
		take_code(p, bytes, s->size, ticket);
		break;
	case WIRE_WARN:
		take_warning(p, (const char *)bytes);
		break;
	case WIRE_PYTHON:
		take_python(p, s, (const char *)bytes);
		break;
	case WIRE_MODULE:
		take_module(p, bytes, s->size);
		break;
	case WIRE_SPAN_BEGIN:
	case WIRE_SPAN_END:
		take_span(p, s, (const char *)bytes);
		break;
	}
	free(bytes);
	return (s->size + WIRE_PAYLOAD_BYTES - 1) / WIRE_PAYLOAD_BYTES;
}

void records_init(struct process *p)
{
	addresses_init(&p->live);
}

void records_clear(struct process *p)
{
	addresses_clear(&p->live);
	regions_clear(&p->regions);
	for (uint32_t i = 0; i < p->n_threads; i++) {
		free(p->threads[i]->cut);
		free(p->threads[i]);
	}
	index_clear(&p->thread_index);
	for (size_t i = 0; i < p->cap_codes; i++)
		free(p->codes[i].table);
	free(p->frames);
	free(p->threads);
	free(p->codes);
	free(p->nodes.stack);
	free(p->last_nodes.stack);
	hybrid_free(p->hybrid);
}

/* Returns whether its script has not begun, and only that is to be recorded. Definitions are needed later. */
static inline bool is_too_early(const struct process *p, const struct wire_slot *s)
{
	return __builtin_expect(p->out->from_script, 0) && p->phases.now < PHASE_SCRIPT &&
	       s->kind <= WIRE_PYMALLOC_FREE;
}

uint64_t record_take(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	if (is_too_early(p, s))
		return 1;
	if (s->kind <= WIRE_PYMALLOC_FREE)
		thread_of(p, s->tid);
	switch (s->kind) {
	case WIRE_FREE:
	case WIRE_PYMALLOC_FREE:
		take_free(p, s);
		return 1;
	case WIRE_REALLOC:
	case WIRE_REALLOCARRAY:
	case WIRE_PYMALLOC_REALLOC:
	case WIRE_MIMALLOC:
	case WIRE_JEMALLOC:
	case WIRE_REALLOC_FREED:
		take_realloc(p, s);
		return 1;
	case WIRE_MMAP:
	case WIRE_ARENA:
	case WIRE_MMAP_RESERVED:
	case WIRE_MMAP_FILE:
	case WIRE_MREMAP:
		mappings_map(p, s);
		return 1;
	case WIRE_REALLOC_BEGIN:
		take_realloc_begin(p, s);
		return 1;
	case WIRE_REALLOC_FAILED:
		take_realloc_failed(p, s);
		return 1;
	case WIRE_UNMAP:
		mappings_unmap(p, s);
		return 1;
	case WIRE_UNMAP_FAILED:
		mappings_unmap_failed(p, s);
		return 1;
	case WIRE_REMAP_BEGIN:
		mappings_remap_begin(p, s);
		return 1;
	case WIRE_REMAP_FAILED:
		mappings_remap_failed(p, s);
		return 1;
	case WIRE_PROTECT:
	case WIRE_PROTECT_NONE:
		mappings_protect(p, s);
		return 1;
	case WIRE_STARTING:
		phases_begin(&p->phases, s->addr ? PHASE_SCRIPT : PHASE_START_UP, p->out, (uint32_t)p->pid,
			     slot_ms(p, s));
		return 1;
	case WIRE_FINALIZING:
		take_finalizing(p, s);
		return 1;
	case WIRE_TYPE:
		p->type_type = s->addr;
		return 1;
	case WIRE_CENSUS_BEGIN:
		p->census_begin = p->out->ids.last;
		return 1;
	case WIRE_CENSUS:
		snapshot_take(p, s);
		return 1;
	case WIRE_KILLED:
		if (p->n_killed < PROCESS_KILLED)
			p->killed[p->n_killed++] = (pid_t)s->addr;
		return 1;
	case WIRE_NODE:
		take_node(p, s, ticket);
		return 1;
	case WIRE_NATIVE:
		take_native(p, s, ticket);
		return 1;
	case WIRE_HYBRID:
		take_hybrid(p, s, ticket);
		return 1;
	case WIRE_EPOCH:
		take_epoch(p, s, ticket);
		return 1;
	case WIRE_CODE:
	case WIRE_WARN:
	case WIRE_PYTHON:
	case WIRE_MODULE:
	case WIRE_SPAN_BEGIN:
	case WIRE_SPAN_END:
		return 1 + take_message(p, s, ticket);
	case WIRE_PAYLOAD:	/* of a message whose head was abandoned */
		return 1;
	case WIRE_MALLOC:
	case WIRE_CALLOC:
	case WIRE_POSIX_MEMALIGN:
	case WIRE_ALIGNED_ALLOC:
	case WIRE_MEMALIGN:
	case WIRE_VALLOC:
	case WIRE_PVALLOC:
	case WIRE_POOL:
	case WIRE_PYMALLOC_MALLOC:
	case WIRE_PYMALLOC_CALLOC:
		take_block(p, s);
		return 1;
	default:
		process_refuse(p, "a record of an unknown kind");
		return 1;
	}
}
