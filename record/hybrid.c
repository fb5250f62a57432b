/*
 * hybrid.c - C stacks merged with Python stacks
 *
 * The agent tells of each C frame how many Python frames it runs. So a merge is
 * made from the innermost frame outwards: an evaluator gives way to its Python
 * frames, every other C frame stays where it is. Python frames that are left
 * over (the C stack could not be followed to its end, as through code that was
 * made at run time) are outermost.
 *
 * What the interpreter does between a Python frame and the C function it calls,
 * or the reverse, is always the same few functions: they are left out, so that
 * the caller stands next to what it called.
 *
 * Addresses are resolved when the first stack with them is asked for.
 */
#include "hybrid.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "info.h"
#include "xmalloc.h"

struct module {
	uint64_t start, end, bias;
	struct object *object;
};

/* A function and line of the trace. */
struct place { uint32_t function, line; };

/* An address of code, resolved: its places, innermost first. */
struct site {
	struct object *object;		/* NULL: in no object */
	uint64_t address;		/* in the object's file */
	uint32_t first, n;		/* of h->places; n == 0: not yet resolved */
	bool evaluator;			/* by its name */
	bool calls;			/* part of how the interpreter calls */
};

struct native {
	uint32_t parent, site;		/* site 0: this node was not defined */
	uint16_t runs;
};

struct hybrid {
	struct collector *c;
	pid_t pid;
	char *exe;
	unsigned minor;
	struct module *modules;		/* sorted, not overlapping */
	size_t n_modules, cap_modules;
	struct native *natives;		/* by the agent's numbers */
	size_t cap_natives;
	struct site *sites;		/* from 1 */
	size_t n_sites, cap_sites;
	uint32_t *index;		/* open addressing: sites by object and address */
	size_t index_mask;
	struct place *places;
	size_t n_places, cap_places;
	struct place *merged;		/* a stack being made, innermost first */
	size_t cap_merged;
};

struct hybrid *hybrid_new(struct collector *c, pid_t pid, const char *exe)
{
	struct hybrid *h = xcalloc(1, sizeof *h);
	h->c = c;
	h->pid = pid;
	h->exe = xstrdup(exe);
	h->n_sites = 1;
	if (!c->symbols)
		c->symbols = symbols_new();
	return h;
}

void hybrid_free(struct hybrid *h)
{
	if (!h)
		return;
	free(h->exe);
	free(h->modules);
	free(h->natives);
	free(h->sites);
	free(h->index);
	free(h->places);
	free(h->merged);
	free(h);
}

void hybrid_python(struct hybrid *h, unsigned minor)
{
	h->minor = minor;
}

/* ---------------------------------------------------------------- modules */

/* Where the process's file can be opened from here: it may have another root, or a relative path. */
static char *reachable(const struct hybrid *h, const char *name)
{
	char *path = xasprintf("/proc/%d/%s%s", (int)h->pid, name[0] == '/' ? "root" : "cwd/", name);
	if (access(path, R_OK) == 0 || name[0] != '/')
		return path;
	free(path);
	return xstrdup(name);
}

static void forget_range(struct hybrid *h, uint64_t start, uint64_t end)
{
	size_t kept = 0;
	for (size_t i = 0; i < h->n_modules; i++)
		if (h->modules[i].end <= start || h->modules[i].start >= end)
			h->modules[kept++] = h->modules[i];
	h->n_modules = kept;
}

const struct object *hybrid_module(struct hybrid *h, const struct wire_module *m, const uint8_t *bytes, size_t size)
{
	size_t path_size = m->path_size < size ? m->path_size : size;
	size_t id_size = m->id_size < size - path_size ? m->id_size : size - path_size;
	char *name = path_size ? xasprintf("%.*s", (int)path_size, (const char *)bytes) : xstrdup(h->exe);
	char *path = path_size ? reachable(h, name) : xasprintf("/proc/%d/exe", (int)h->pid);
	if (!path_size && access(path, R_OK) != 0) {	/* it ended already */
		free(path);
		path = reachable(h, name);
	}
	struct object *object = symbols_object(h->c->symbols, name, path, bytes + path_size, id_size);
	free(name);
	free(path);

	forget_range(h, m->start, m->end);
	GROW(h->modules, h->n_modules, h->cap_modules);
	size_t i = h->n_modules++;
	for (; i > 0 && h->modules[i - 1].start > m->start; i--)
		h->modules[i] = h->modules[i - 1];
	h->modules[i] = (struct module){ m->start, m->end, m->bias, object };
	return object;
}

static const struct module *module_at(const struct hybrid *h, uint64_t pc)
{
	size_t low = 0, high = h->n_modules;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (h->modules[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < h->modules[low - 1].end ? &h->modules[low - 1] : NULL;
}

/* ---------------------------------------------------------------- sites */

static size_t site_hash(const struct object *o, uint64_t address)
{
	return (size_t)(((uintptr_t)o >> 4 ^ address) * 0x9E3779B97F4A7C15u >> 20);
}

static void index_grow(struct hybrid *h)
{
	h->index_mask = h->index ? h->index_mask * 2 + 1 : 1023;
	free(h->index);
	h->index = xcalloc(h->index_mask + 1, sizeof *h->index);
	for (uint32_t n = 1; n < h->n_sites; n++) {
		size_t i = site_hash(h->sites[n].object, h->sites[n].address) & h->index_mask;
		while (h->index[i])
			i = (i + 1) & h->index_mask;
		h->index[i] = n;
	}
}

static uint32_t site_of(struct hybrid *h, uint64_t pc)
{
	const struct module *m = module_at(h, pc);
	struct object *object = m ? m->object : NULL;
	uint64_t address = m ? pc - m->bias : 0;
	if (h->n_sites * 2 > h->index_mask)
		index_grow(h);
	size_t i = site_hash(object, address) & h->index_mask;
	for (; h->index[i]; i = (i + 1) & h->index_mask) {
		const struct site *s = &h->sites[h->index[i]];
		if (s->object == object && s->address == address)
			return h->index[i];
	}
	GROW(h->sites, h->n_sites, h->cap_sites);
	h->sites[h->n_sites] = (struct site){ .object = object, .address = address };
	return h->index[i] = (uint32_t)h->n_sites++;
}

void hybrid_native(struct hybrid *h, uint32_t id, uint32_t parent, uint64_t what)
{
	size_t cap = h->cap_natives;
	GROW(h->natives, id, h->cap_natives);
	memset(h->natives + cap, 0, (h->cap_natives - cap) * sizeof *h->natives);
	h->natives[id] = (struct native){
		.parent = parent & WIRE_NATIVE_ROOT ? 0 : parent,
		.site = site_of(h, what & ((1ull << 48) - 1)),
		.runs = (uint16_t)(what >> 48),
	};
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_evaluator(const char *name)
{
	return begins(name, "_PyEval_EvalFrameDefault") || begins(name, "_TAIL_CALL_");
}

/* The functions by which CPython, 3.8 to 3.15, gets from a Python frame to a C function and back. */
static bool is_calling(const char *name)
{
	static const char *const prefixes[] = {
		"_PyEval_", "PyEval_EvalCode", "PyEval_EvalFrame", "PyObject_Call", "_PyObject_Call", "_PyObject_MakeTpCall",
		"_PyObject_FastCall", "_PyFunction_FastCall", "function_code_fastcall", "call_function", "do_call_core",
		"trace_call_function", "cfunction_", "_PyCFunction_", "PyCFunction_Call", "_PyMethodDef_Raw", "method_call",
		"_PyObject_Vectorcall", "PyVectorcall_", "_PyVectorcall_", "gen_send_ex", "gen_iternext",
	};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (begins(name, prefixes[i]))
			return true;
	return strstr(name, "ectorcall") != NULL;
}

/* Give the site its functions. */
static void resolve(struct hybrid *h, struct site *s)
{
	static const struct location nowhere = { "[code in no file]", "", 0 };
	const struct location *l = &nowhere;
	size_t n = s->object ? symbols_locate(h->c->symbols, s->object, s->address, &l) : 1;
	s->evaluator = is_evaluator(l[n - 1].name);
	s->calls = is_calling(l[n - 1].name);
	s->first = (uint32_t)h->n_places;
	s->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct mt_event ev = { .lang = MT_LANG_NATIVE };
		ev.name = (struct mt_str){ l[i].name, strlen(l[i].name) };
		ev.file = (struct mt_str){ l[i].file, strlen(l[i].file) };
		if (s->object)
			ev.module = (struct mt_str){ s->object->name, strlen(s->object->name) };
		GROW(h->places, h->n_places, h->cap_places);
		h->places[h->n_places++] = (struct place){ collector_function(h->c, &ev), l[i].line };
	}
}

/* ---------------------------------------------------------------- merging */

static void put_place(struct hybrid *h, size_t *n, struct place p)
{
	GROW(h->merged, *n, h->cap_merged);
	h->merged[(*n)++] = p;
}

static void put_site(struct hybrid *h, size_t *n, const struct site *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		put_place(h, n, h->places[s->first + i]);
}

/* Up to `most` frames of a Python stack, from the newest; returns what is left of it. */
static uint32_t put_python(struct hybrid *h, size_t *n, uint32_t python, uint32_t most)
{
	for (; python && most > 0; most--) {
		const struct stack *s = stacks_stack(h->c->stacks, python);
		const struct frame *f = stacks_frame(h->c->stacks, s->frame);
		put_place(h, n, (struct place){ f->function, f->line });
		python = s->parent;
	}
	return python;
}

static struct site *site_at(struct hybrid *h, const struct native *f)
{
	struct site *s = &h->sites[f->site];
	if (s->n == 0)
		resolve(h, s);
	return s;
}

static const struct native *native_at(const struct hybrid *h, uint32_t node)
{
	return node < h->cap_natives && h->natives[node].site ? &h->natives[node] : NULL;
}

/* How many Python frames a C frame runs; -1: it is no evaluator. */
static int64_t runs(const struct hybrid *h, const struct native *f, const struct site *s)
{
	if (h->minor && h->minor < 10)
		return s->evaluator ? 1 : -1;
	return (int64_t)f->runs - 1;
}

/* What the evaluators of a stack leave to the one that runs more than can be told. */
static uint32_t rest(const struct hybrid *h, uint32_t native, uint32_t python)
{
	uint32_t depth = stacks_stack(h->c->stacks, python)->depth, taken = 0;
	const struct native *f;
	for (; (f = native_at(h, native)) != NULL; native = f->parent)
		if (f->runs && f->runs != WIRE_RUNS_REST)
			taken += f->runs - 1u;
	return depth > taken ? depth - taken : 0;
}

uint32_t hybrid_stack(struct hybrid *h, uint32_t native, uint32_t python)
{
	const struct native *f;
	size_t n = 0;
	uint32_t left = python, node = native;
	for (; (f = native_at(h, node)) != NULL; node = f->parent) {
		const struct site *s = site_at(h, f);
		int64_t k = python ? runs(h, f, s) : -1;
		if (k < 0 && (n == 0 || !python || !s->calls || s->evaluator))
			put_site(h, &n, s);
		else if (k >= 0)
			left = put_python(h, &n, left, f->runs == WIRE_RUNS_REST ? rest(h, native, python) : (uint32_t)k);
	}
	put_python(h, &n, left, UINT32_MAX);
	uint32_t stack = 0;
	while (n > 0) {
		n--;
		stack = collector_stack(h->c, stack, h->merged[n].function, h->merged[n].line);
	}
	return stack;
}
