/*
 * harness.c - the agent's Python part alone, preloaded into an interpreter
 *
 * Replaces the rest of the agent: keeps the ring's contents in memory, and makes
 * a capture at every malloc, calloc and realloc of the process. With
 * -DPYSTACK_VERIFY each capture is compared with the reference walk.
 * Python calls the pt_ functions through ctypes.
 *
 * Environment: PYSTACK_NAIVE=1, PYSTACK_STALE=1, PYSTACK_TRUSTING=1, PYSTACK_BLIND=1 make it wrong
 * on purpose, PYSTACK_ODD=1 makes the layout that of no known build,
 * PYSTACK_GENERIC=1 walks with a variable layout, PYSTACK_PAGES=BYTES limits
 * the memory available, PYSTACK_REPORT=FILE appends a line of counts at the end
 * of each process.
 */
#include "../../record/agent/python/pystack.c"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../record/collect/pylines.h"
#include "../lib/alone.h"

/* For ctypes. */
void pt_counts(uint64_t out[10]);
const char *pt_version(void);
const char *pt_warning(void);
int pt_dump(char *out, int capacity);
uint32_t pt_capture(void);
void pt_allocs(int n, size_t size);
int pt_call(int (*f)(int), int x);
uint32_t pt_native_thread(void);
int pt_threads(void);
void pt_lines(unsigned minor, const uint8_t *table, size_t n, int first, int n_code, int *out);
unsigned pt_depth(void);
int pt_constant(void);
double pt_bench(int n, unsigned changed);

static __thread int guard;

/* ---------------------------------------------------------------- substitutes for memory.c and ring.c of the agent */

#define MAX_NODES (1u << 24)
#define MAX_CODES (1u << 20)
struct seen_node { uint32_t parent, code; int32_t lasti; };
static struct seen_node *seen_nodes;
static struct wire_code **seen_codes;
static uint32_t n_nodes, n_codes, n_warnings, n_disorder, epoch, n_epochs;
static char seen_version[64], last_warning[256];

static void *big(size_t n)
{
	return mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* No process is copied here. */
void census_take(enum wire_moment moment)
{
	(void)moment;
}

/* Also checks that everything is defined before it is used. */
void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	uint32_t id = (uint32_t)(size >> 32), parent = (uint32_t)size, code = (uint32_t)addr;
	(void)stack;
	if (kind == WIRE_EPOCH) {
		memset(seen_nodes, 0, (n_nodes + 1) * sizeof *seen_nodes);
		epoch = (uint32_t)addr << WIRE_EPOCH_SHIFT;
		n_nodes = 0;
		n_epochs++;
		return;
	}
	if (kind != WIRE_NODE)
		return;
	id -= epoch;
	parent -= parent ? epoch : 0;
	if (id >= MAX_NODES || parent >= id || code >= MAX_CODES || !seen_codes[code] ||
	    (parent && !seen_nodes[parent].code) || seen_nodes[id].code) {
		n_disorder++;
		return;
	}
	seen_nodes[id] = (struct seen_node){ parent, code, (int32_t)(addr >> 32) };
	n_nodes++;
}

void ring_message(uint8_t kind, uint64_t id, const struct piece *pieces, size_t n_pieces)
{
	char *p, *start, text[256];
	size_t size = 0;
	for (size_t i = 0; i < n_pieces; i++)
		size += pieces[i].n;
	start = p = kind == WIRE_CODE ? __libc_malloc(size) : text;
	for (size_t i = 0; i < n_pieces; i++)
		if (pieces[i].n)
			p = mempcpy(p, pieces[i].p, pieces[i].n);
	if (kind == WIRE_CODE) {
		if (seen_codes[id])
			n_disorder++;
		seen_codes[id] = (struct wire_code *)start;
		n_codes++;
	} else if (kind == WIRE_PYTHON) {
		memcpy(seen_version, text, size);
		seen_version[size] = '\0';
	} else if (kind == WIRE_WARN) {
		memcpy(last_warning, text, size);
		last_warning[size] = '\0';
		n_warnings++;
	}
}

/* ---------------------------------------------------------------- every allocation is captured */

void allocated(void)
{
	if (guard)
		return;
	guard = 1;
	pystack_capture();
	guard = 0;
}

static void forked(void)
{
	memset(seen_codes, 0, (n_codes + 1) * sizeof *seen_codes);
	memset(seen_nodes, 0, (n_nodes + 1) * sizeof *seen_nodes);
	n_nodes = n_codes = n_warnings = epoch = 0;
	memset(seen_version, 0, sizeof seen_version);
	pystack_forked();
}

static bool flag(const char *name)
{
	const char *s = getenv(name);
	return s && *s == '1';
}

__attribute__((constructor)) static void begin(void)
{
	guard = 1;
	seen_nodes = big(MAX_NODES * sizeof *seen_nodes);
	seen_codes = big(MAX_CODES * sizeof *seen_codes);
#ifdef PYSTACK_VERIFY
	pystack_naive = flag("PYSTACK_NAIVE");
	pystack_trusting = flag("PYSTACK_TRUSTING");
	pystack_blind = flag("PYSTACK_BLIND");
	code_stale = flag("PYSTACK_STALE");
	pystack_generic = flag("PYSTACK_GENERIC");
#endif
	if (getenv("NODES_LIMIT"))
		nodes_limit = (uint32_t)strtoul(getenv("NODES_LIMIT"), NULL, 10);
	if (getenv("PYSTACK_PAGES"))
		pages_limit = strtoul(getenv("PYSTACK_PAGES"), NULL, 10);
	pthread_atfork(NULL, NULL, forked);
	pystack_init(false);
	if (flag("PYSTACK_ODD"))
		python.layout.ob_type = 0;
	guard = 0;
}

/* ---------------------------------------------------------------- for Python */

/* captures, early stops, rebuilds, mismatches, nodes, codes, warnings, disorder, deaths, epochs */
EXPORT void pt_counts(uint64_t out[10])
{
	memset(out, 0, 10 * sizeof *out);
#ifdef PYSTACK_VERIFY
	out[0] = pystack_counts.captures;
	out[1] = pystack_counts.early_stops;
	out[2] = pystack_counts.rebuilds;
	out[3] = pystack_counts.mismatches;
#endif
	out[4] = n_nodes;
	out[5] = n_codes;
	out[6] = n_warnings;
	out[7] = n_disorder;
	out[8] = code_deaths();
	out[9] = n_epochs;
}

EXPORT const char *pt_version(void) { return seen_version; }
EXPORT const char *pt_warning(void) { return last_warning; }

/* The current stack, newest first: file, name, lasti, line, separated by \1, one frame per line. */
EXPORT int pt_dump(char *out, int capacity)
{
	int saved = guard, n = 0;
	guard = 1;
	errno = 4711;
	uint32_t node = pystack_capture();
	if (errno != 4711)
		n_disorder++;
	out[0] = '\0';
	for (node = node ? node - epoch : 0; node && capacity - n > 70000; node = seen_nodes[node].parent) {
		const struct wire_code *c = seen_codes[seen_nodes[node].code];
		const char *name = (const char *)(c + 1), *file = name + c->name_size;
		const uint8_t *table = (const uint8_t *)file + c->file_size;
		int lasti = seen_nodes[node].lasti;
		n += snprintf(out + n, (size_t)(capacity - n), "%.*s\1%.*s\1%d\1%d\n", (int)c->file_size, file,
			      (int)c->name_size, name, lasti,
			      py_line(&(struct py_place){ 0 }, c->lines, table, c->table_size, c->first_line, lasti));
	}
	guard = saved;
	return n;
}

/* Returns the number of the current stack, on the path of a real allocation. */
EXPORT uint32_t pt_capture(void)
{
	int saved = guard;
	guard = 1;
	uint32_t node = pystack_capture();
	guard = saved;
	return node;
}

EXPORT void pt_allocs(int n, size_t size)
{
	for (int i = 0; i < n; i++) {
		void *volatile p = malloc(size);
		free(p);
	}
}

EXPORT int pt_call(int (*f)(int), int x) { return f(x); }

static void *native_thread(void *arg)
{
	*(uint32_t *)arg = pt_capture();
	return NULL;
}

/* The result for a thread without a thread state. */
EXPORT uint32_t pt_native_thread(void)
{
	pthread_t t;
	uint32_t node = 1;
	pthread_create(&t, NULL, native_thread, &node);
	pthread_join(t, NULL);
	return node;
}

/* Returns the number of thread states ever made. */
EXPORT int pt_threads(void)
{
	return (int)last_walk_count();
}

EXPORT void pt_lines(unsigned minor, const uint8_t *table, size_t n, int first, int n_code, int *out)
{
	enum wire_lines lines = minor < 10 ? WIRE_LINES_LNOTAB : minor == 10 ? WIRE_LINES_PEP626 : WIRE_LINES_PEP657;
	for (int i = 0; i * 2 < n_code; i++)
		out[i] = py_line(&(struct py_place){ 0 }, lines, table, n, first, i * 2);
}

/* Whether this Python's walk has constant offsets. */
EXPORT int pt_constant(void) { return walk_version != walk_any; }

EXPORT unsigned pt_depth(void) { return self ? self->n : 0; }

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Returns ns per capture: `changed` 0: the same stack; 1: the newest frame advanced; k > 1: k new frames. */
EXPORT double pt_bench(int n, unsigned changed)
{
	int saved = guard;
	guard = 1;
	pystack_capture();
	struct last_walk *t = self;
	double start = now_ns();
	for (int i = 0; i < n; i++) {
		if (changed == 1)
			t->levels[t->n - 1].key ^= 4;
		else if (t->n > changed)
			t->n -= changed;
		pystack_capture();
	}
	double took = now_ns() - start;
	guard = saved;
	return took / n;
}

__attribute__((destructor)) static void report(void)
{
	const char *file = getenv("PYSTACK_REPORT");
	char line[256];
	uint64_t c[10];
	guard = 1;
	if (!file || !seen_version[0])
		return;
	pt_counts(c);
	int n = snprintf(line, sizeof line,
			 "%s captures %lu early %lu rebuilds %lu mismatches %lu nodes %lu codes %lu warnings %lu "
			 "disorder %lu deaths %lu\n",
			 seen_version, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]);
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}
