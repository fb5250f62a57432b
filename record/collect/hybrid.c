/*
 * hybrid.c - C stacks merged with Python stacks
 *
 * For each C frame, the agent reports how many Python frames it runs. So a merge goes
 * from the innermost frame outwards: an evaluator is replaced by its Python
 * frames, every other C frame is kept. Remaining Python frames
 * (if the C stack could not be followed to its end, for example through code
 * generated at run time) become the outermost.
 *
 * Between a Python frame and the C function it calls, and in the other direction,
 * the interpreter always runs the same few functions. They are left out, so that
 * the caller is next to its callee. So are those of ctypes and libffi.
 *
 * Addresses are resolved when the first stack that contains them is needed.
 */
#include "hybrid.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "sites.h"
#include "xmalloc.h"

/* A C frame of the stack being merged. */
struct merging_frame {
	const struct site *site;
	/* python: the Python frames left for it and older frames; or NOT_MERGING */
	uint32_t node, python;
	int64_t runs;			/* how many of them it runs; -1: it is not an evaluator */
	bool under_evaluator;		/* called by one */
	bool left_out;
	bool kept;			/* the merged stack up to here may be stored: inner frames cannot change it */
};

#define NOT_MERGING UINT32_MAX		/* instead of a Python stack */

/*
 * A node of the agent: a C frame, or a Python stack. `others` has a bit set for each further Python stack that a C
 * frame was merged with, as a filter: most lookups are for stacks that are not among them.
 */
struct node {
	uint32_t site;			/* 0: a Python stack, or not defined */
	uint32_t parent_or_python;	/* of a C frame, the node that called it */
	uint16_t runs, others;
};

/*
 * The Python stack that a node was first merged with, and the result: frames called from there are put on top of it.
 * NOT_MERGING: merged with none.
 */
struct first_merged { uint32_t python, stack; };	/* stack 0: not merged yet */

/*
 * A cache of recent stacks that Python frames were put on: `stack` is `base` with the frames of `python` that are
 * newer than `outer`. Putting a deeper Python stack on the same base then adds only its new frames.
 */
struct extended { uint32_t base, python, outer, stack; };
#define EXTENDED (1u << 12)		/* entries: 64 KiB */
#define FEW_FRAMES 16			/* stacks of at most this many frames are not cached */

/* The stack of a node merged with a further Python stack. */
struct merged { uint32_t node, python, stack; };

/* The agent's nodes of one epoch (wire.h). Here, they are known by their numbers - first. */
struct epoch {
	uint32_t first;
	/* Python stacks of the trace's frames; they get stacks in the trace only when needed */
	struct stacks *pythons;
	uint32_t *ancestors;		/* a distant ancestor of each: see ancestor_of() */
	size_t cap_ancestors;
	struct node *nodes;
	size_t n_nodes, cap_nodes;
	struct first_merged *firsts;	/* of nodes that are C frames */
	size_t n_firsts, cap_firsts;
	struct merged *merged;
	uint32_t n_merged;
	size_t cap_merged;
	struct index merged_index;	/* by node and Python stack */
	struct extended *extended;	/* direct-mapped by base and Python stack; NULL: not used yet */
};

struct hybrid {
	struct output *out;
	struct sites sites;		/* the addresses of its C frames */
	struct epoch epochs[2], *now, *last;	/* now: of the nodes that are looked up; last: the other one */
	bool counted;			/* native nodes carry their number of Python frames … */
	/* … or evaluators are recognised by name, each running one. Neither: no interpreter yet */
	bool by_name;
	const struct object *interpreter;	/* the object that contains its evaluators */
	struct merging_frame *steps;		/* the stack being merged, innermost first */
	size_t n_steps, cap_steps;
	uint32_t *pending;		/* Python stacks whose newest frames have to be put, newest first */
	size_t cap_pending;
};

static void epoch_begin(struct epoch *e, uint32_t first)
{
	*e = (struct epoch){ .first = first, .pythons = stacks_new() };
	GROW(e->ancestors, 0, e->cap_ancestors);
	e->ancestors[0] = 0;
}

/* Forgets what only saves work. */
static void forget_merged(struct epoch *e)
{
	free(e->firsts);
	e->firsts = NULL;
	e->n_firsts = 0;
	e->cap_firsts = 0;
	free(e->merged);
	e->merged = NULL;
	e->n_merged = 0;
	e->cap_merged = 0;
	index_clear(&e->merged_index);
	free(e->extended);
	e->extended = NULL;
}

static void epoch_clear(struct epoch *e)
{
	stacks_free(e->pythons);
	free(e->ancestors);
	free(e->nodes);
	forget_merged(e);
	*e = (struct epoch){ 0 };
}

struct hybrid *hybrid_new(struct output *out, struct symbols *symbols, pid_t pid, const char *exe)
{
	struct hybrid *h = xcalloc(1, sizeof *h);
	h->out = out;
	sites_begin(&h->sites, out, symbols, pid, exe);
	h->now = &h->epochs[0];
	h->last = &h->epochs[1];
	epoch_begin(h->now, 0);
	epoch_begin(h->last, 0);
	return h;
}

void hybrid_free(struct hybrid *h)
{
	if (!h)
		return;
	epoch_clear(h->now);
	epoch_clear(h->last);
	sites_clear(&h->sites);
	free(h->steps);
	free(h->pending);
	free(h);
}

void hybrid_python(struct hybrid *h, bool counted)
{
	h->counted = counted;
	h->by_name = !counted;
}

const struct object *hybrid_module(struct hybrid *h, const struct wire_module *m, const uint8_t *bytes, size_t size)
{
	return sites_module(&h->sites, m, bytes, size);
}

/* ---------------------------------------------------------------- nodes */

/* Few nodes are needed once more when their epoch is over. */
static void epoch_end(struct epoch *e)
{
	forget_merged(e);
	for (size_t i = 0; i < e->n_nodes; i++)
		e->nodes[i].others = 0;
}

void hybrid_epoch(struct hybrid *h, uint32_t first)
{
	struct epoch *new = h->last;
	epoch_clear(new);
	epoch_begin(new, first);
	h->last = h->now;
	h->now = new;
	epoch_end(h->last);
}

/* Returns the number in its epoch; larger than any if it is not of that epoch. 0 is the root in each. */
static uint32_t number_in(const struct epoch *e, uint32_t id)
{
	return id ? id - e->first : 0;
}

void hybrid_native(struct hybrid *h, uint32_t id, uint32_t parent, uint64_t what)
{
	struct epoch *e = h->now;
	uint32_t n = number_in(e, id);
	GROW_ZEROED(e->nodes, n, e->n_nodes, e->cap_nodes);
	e->nodes[n] = (struct node){
		.parent_or_python = number_in(e, parent),
		.site = sites_number(&h->sites, what & ((1ull << 48) - 1)),
		.runs = (uint16_t)(what >> 48),
	};
	if (what >> 48 && !h->interpreter)
		h->interpreter = h->sites.at[e->nodes[n].site].object;
}

/* ---------------------------------------------------------------- merging */

static struct site *site_at(struct hybrid *h, const struct node *f)
{
	struct site *s = &h->sites.at[f->site];
	if (s->n == 0) {
		sites_resolve(&h->sites, s);
		if (s->evaluator && !h->interpreter)
			h->interpreter = s->object;
	}
	return s;
}

static const struct node *native_at(const struct hybrid *h, uint32_t node)
{
	const struct epoch *e = h->now;
	return node < e->n_nodes && e->nodes[node].site ? &e->nodes[node] : NULL;
}

/* ---------------------------------------------------------------- stacks merged before */

static bool is_merged(const void *merged, uint32_t n, const void *key)
{
	const struct merged *m = (const struct merged *)merged + n, *wanted = key;
	return m->node == wanted->node && m->python == wanted->python;
}

static uint16_t other_bit(uint32_t python)
{
	return (uint16_t)(1u << (python * 0x9E3779B1u >> 28));
}

/* Returns the merged stack of a node; 0: not merged yet. */
static uint32_t merged_find(const struct hybrid *h, uint32_t node, uint32_t python)
{
	const struct epoch *e = h->now;
	if (node >= e->n_firsts)
		return 0;
	const struct first_merged *first = &e->firsts[node];
	if (first->stack == 0 || first->python == python)
		return first->stack;
	if (!(e->nodes[node].others & other_bit(python)))
		return 0;
	struct merged key = { .node = node, .python = python };
	uint32_t n = index_find(&e->merged_index, index_hash(node, python), is_merged, e->merged, &key);
	return n != INDEX_NONE ? e->merged[n].stack : 0;
}

#define MANY_STEPS 64
#define STORED_EVERY 16

/*
 * Stores the stack of step i. For the second and later Python stacks of a node, only evaluators are stored: most other
 * C frames never recur with the same one, and for those that do, a few frames are merged again. Among many frames, a
 * few others are stored too, so that no C stack is merged in full each time.
 */
static void merged_put(struct hybrid *h, size_t i, uint32_t stack)
{
	const struct merging_frame *s = &h->steps[i];
	uint32_t node = s->node, python = s->python;
	struct epoch *e = h->now;
	GROW_ZEROED(e->firsts, node, e->n_firsts, e->cap_firsts);
	struct first_merged *first = &e->firsts[node];
	if (first->stack == 0 || first->python == python) {
		*first = (struct first_merged){ python, stack };
		return;
	}
	if (s->runs < 0 && (h->n_steps < MANY_STEPS || i % STORED_EVERY != 0))
		return;
	e->nodes[node].others |= other_bit(python);
	struct merged new = { node, python, stack };
	uint32_t n = index_put(&e->merged_index, index_hash(node, python), is_merged, e->merged, &new, e->n_merged);
	if (n == e->n_merged) {
		GROW(e->merged, (size_t)n, e->cap_merged);
		e->n_merged++;
	}
	e->merged[n] = new;
}

/* ---------------------------------------------------------------- from the innermost frame outwards */

/* Returns how many frames the other, older evaluators leave for one with WIRE_RUNS_REST. */
static int64_t rest(const struct hybrid *h, uint32_t outer, uint32_t python)
{
	int64_t left = python ? stacks_stack(h->now->pythons, python)->depth : 0;
	const struct node *f;
	for (; (f = native_at(h, outer)) != NULL; outer = f->parent_or_python)
		if (f->runs && f->runs != WIRE_RUNS_REST)
			left -= f->runs - 1;
	return left > 0 ? left : 0;
}

/* Returns whether the agent reported an evaluator. Its name is not needed, as its Python frames replace it. */
static bool runs_by_agent(const struct hybrid *h, const struct node *f, uint32_t python)
{
	return python && f->runs && h->counted;
}

/*
 * Returns how many Python frames a C frame runs; -1: it is not an evaluator. If evaluators are recognised by name, its
 * site must be resolved.
 */
static int64_t runs(const struct hybrid *h, const struct node *f, const struct site *s, uint32_t python)
{
	if (!python)
		return -1;
	if (h->by_name)
		return s->evaluator ? 1 : -1;
	return f->runs == WIRE_RUNS_REST ? rest(h, f->parent_or_python, python) : (int64_t)f->runs - 1;
}

static uint32_t depth_of(const struct hybrid *h, uint32_t python)
{
	return stacks_stack(h->now->pythons, python)->depth;
}

/*
 * Returns a distant ancestor of a new Python stack, chosen so that any ancestor is reached in a logarithmic number of
 * steps. Source: Myers, "An applicative random-access stack", 1983.
 */
static uint32_t ancestor_of(const struct hybrid *h, uint32_t parent)
{
	uint32_t far = h->now->ancestors[parent], farther = h->now->ancestors[far];
	return depth_of(h, parent) - depth_of(h, far) == depth_of(h, far) - depth_of(h, farther) ? farther : parent;
}

/* Returns a Python stack without its n newest frames. */
static uint32_t outer_python(const struct hybrid *h, uint32_t python, int64_t n)
{
	int64_t depth = (int64_t)depth_of(h, python) - (n > 0 ? n : 0);
	if (depth <= 0)
		return 0;
	while (depth_of(h, python) > depth) {
		uint32_t far = h->now->ancestors[python];
		python = depth_of(h, far) >= depth ? far : stacks_stack(h->now->pythons, python)->parent;
	}
	return python;
}

/*
 * Consecutive frames of ctypes and libffi, from step `first` on, are left out if they connect
 * a foreign function at one end (next to libffi) with Python at the other. Allocations
 * that ctypes makes for itself keep them.
 */
static void leave_out_bridge(struct hybrid *h, size_t first)
{
	const struct merging_frame *inner = &h->steps[first], *outer = &h->steps[h->n_steps - 1];
	bool called = inner->site->bridge_end, calls_back = outer->site->bridge_end && first > 0;
	for (size_t k = first; (called || calls_back) && k < h->n_steps; k++)
		h->steps[k].left_out = k > 0;
}

/* Returns whether it is a function of a stripped interpreter. Its purpose shows only in the function it calls. */
static bool is_nameless_part(const struct hybrid *h, const struct site *s)
{
	return s->nameless && s->object == h->interpreter;
}

/* Returns whether `node` is an evaluator, or a calling function with a name that was called by one. */
static bool is_under_evaluator(struct hybrid *h, uint32_t node, uint32_t python)
{
	const struct node *f = native_at(h, node);
	for (; f; f = native_at(h, f->parent_or_python)) {
		const struct site *s = site_at(h, f);
		if (runs(h, f, s, python) >= 0)
			return true;
		if (s->n != 1 || !h->sites.places[s->first].calls)
			break;
	}
	return false;
}

/*
 * In a stripped interpreter, the calling functions cannot be recognised by name. One
 * nameless function between an evaluator and a function of another object is taken for one.
 */
static void leave_out_nameless(struct hybrid *h)
{
	for (size_t i = 1; i < h->n_steps; i++) {
		struct merging_frame *s = &h->steps[i], *inner = s - 1;
		if (s->under_evaluator && s->runs < 0 && is_nameless_part(h, s->site) && inner->runs < 0 &&
		    inner->site->object != h->interpreter)
			s->left_out = true;
	}
}

static struct extended *extended_at(struct hybrid *h, uint32_t base, uint32_t python)
{
	struct epoch *e = h->now;
	if (!e->extended)
		e->extended = xcalloc(EXTENDED, sizeof *e->extended);
	return &e->extended[(base * 0x9E3779B1u ^ python * 0x85EBCA6Bu) >> 20];
}

/* Puts the newest frames of a Python stack, at most `most`, on top of a stack. */
static uint32_t put_python(struct hybrid *h, uint32_t base, uint32_t python, int64_t most)
{
	uint32_t outer = outer_python(h, python, most), stack = base;
	bool many = depth_of(h, python) - depth_of(h, outer) > FEW_FRAMES;
	size_t n = 0;
	for (; python != outer; n++) {
		const struct extended *known = many ? extended_at(h, base, python) : NULL;
		if (known && known->base == base && known->python == python && known->outer == outer) {
			stack = known->stack;
			break;
		}
		GROW(h->pending, n, h->cap_pending);
		h->pending[n] = python;
		python = stacks_stack(h->now->pythons, python)->parent;
	}
	while (n > 0) {
		python = h->pending[--n];
		stack = output_stack(h->out, stack, stacks_stack(h->now->pythons, python)->frame);
		if (many)
			*extended_at(h, base, python) = (struct extended){ base, python, outer, stack };
	}
	return stack;
}

/*
 * Collects frames from `node` outwards until the merged stack of one is known, and returns
 * that stack; at the end, the stack of the Python frames that no frame took.
 */
static uint32_t collect_steps(struct hybrid *h, uint32_t node, uint32_t python)
{
	const struct node *f;
	bool merging = python != 0, in_bridge = false, ended = false;
	size_t bridge = 0;
	h->n_steps = 0;
	for (; !ended && (f = native_at(h, node)) != NULL; node = f->parent_or_python) {
		struct site *s = runs_by_agent(h, f, python) ? &h->sites.at[f->site] : site_at(h, f);
		int64_t takes = runs(h, f, s, python);
		bool is_bridge = s->bridge && python && takes < 0, nameless = takes < 0 && is_nameless_part(h, s);
		if (in_bridge && !is_bridge)
			leave_out_bridge(h, bridge);
		if (!in_bridge && is_bridge)
			bridge = h->n_steps;
		in_bridge = is_bridge;
		if (!s->object && h->n_steps > 0)	/* an address outside all objects */
			break;
		uint32_t key = merging ? python : NOT_MERGING;
		uint32_t known = h->n_steps && !is_bridge ? merged_find(h, node, key) : 0;
		if (known)
			return known;
		GROW(h->steps, h->n_steps, h->cap_steps);
		struct merging_frame *step = &h->steps[h->n_steps++];
		*step = (struct merging_frame){
			.site = s, .node = node, .python = key, .runs = takes,
			.under_evaluator = nameless && is_under_evaluator(h, f->parent_or_python, python),
		};
		step->kept = !s->bridge && !step->under_evaluator;	/* see leave_out_nameless() */
		python = outer_python(h, python, step->runs);
		ended = s->beginning;
	}
	if (in_bridge)
		leave_out_bridge(h, bridge);
	return put_python(h, 0, python, INT64_MAX);
}

/* ---------------------------------------------------------------- and back inwards */

/* Puts the functions of a C frame, without those that only call; but always the one that allocated. */
static uint32_t put_site(struct hybrid *h, uint32_t stack, const struct site *s, bool merging, bool innermost)
{
	for (uint32_t i = s->n; i-- > 0;) {
		struct resolved *p = &h->sites.places[s->first + i];
		bool calls = merging && (p->calls || (p->calls_here && s->object == h->interpreter));
		if (calls && !(innermost && i == 0))
			continue;
		if (!p->frame)
			p->frame = output_frame(h->out, p->function, p->line);
		stack = output_stack(h->out, stack, p->frame);
	}
	return stack;
}

static uint32_t python_at(const struct hybrid *h, uint32_t node)
{
	const struct epoch *e = h->now;
	return node < e->n_nodes && !e->nodes[node].site ? e->nodes[node].parent_or_python : 0;
}

static uint32_t add_python(struct hybrid *h, uint32_t parent, uint32_t frame)
{
	struct epoch *e = h->now;
	uint32_t count = stacks_count(e->pythons), python = stacks_add_stack(e->pythons, parent, frame);
	if (python != count)
		return python;
	GROW(e->ancestors, python, e->cap_ancestors);
	e->ancestors[python] = ancestor_of(h, parent);
	return python;
}

void hybrid_python_node(struct hybrid *h, uint32_t id, uint32_t parent, uint32_t frame)
{
	struct epoch *e = h->now;
	uint32_t n = number_in(e, id), python = python_at(h, number_in(e, parent));
	GROW_ZEROED(e->nodes, n, e->n_nodes, e->cap_nodes);
	e->nodes[n] = (struct node){ .parent_or_python = frame ? add_python(h, python, frame) : python };
}

/* Merges a native node with a Python stack, 0: none. */
static uint32_t merge(struct hybrid *h, uint32_t native, uint32_t python)
{
	bool merging = python != 0;
	uint32_t stack = collect_steps(h, native, python);
	if (merging)
		leave_out_nameless(h);
	for (size_t i = h->n_steps; i-- > 0;) {
		const struct merging_frame *s = &h->steps[i];
		if (s->runs >= 0)
			stack = put_python(h, stack, s->python, s->runs);
		else if (!s->left_out)
			stack = put_site(h, stack, s->site, merging, i == 0);
		if (i > 0 && s->kept && stack)
			merged_put(h, i, stack);
	}
	return stack;
}

uint32_t hybrid_stack(struct hybrid *h, uint32_t native, uint32_t node)
{
	return merge(h, number_in(h->now, native), python_at(h, number_in(h->now, node)));
}

static uint32_t stack_alone(struct hybrid *h, uint32_t node)
{
	if (native_at(h, node))
		return merge(h, node, 0);
	return put_python(h, 0, python_at(h, node), INT64_MAX);
}

uint32_t hybrid_stack_alone(struct hybrid *h, uint32_t node)
{
	struct epoch *now = h->now;
	uint32_t n = number_in(now, node);
	if (WIRE_NODE_INDEX(n) == n)
		return stack_alone(h, n);
	h->now = h->last;
	uint32_t stack = stack_alone(h, number_in(h->now, node));
	h->now = now;
	return stack;
}
