/*
 * harness.c - the agent's walker alone, preloaded, compared with libunwind at every allocation
 *
 * Replaces the rest of the agent. At each malloc, calloc and realloc of
 * the process the walker's frames (with its cache of the last walk) and those
 * of unw_backtrace() are compared, outwards from the first frame that is not
 * this library's.
 *
 * Environment: NATIVE_REPORT=FILE appends a line of counts at the end of each
 * process. NATIVE_STEP=1 compares with unw_step() without caches: unw_backtrace()'s
 * caches do not notice dlclose(). NATIVE_NO_FLUSH=1 makes the walker wrong in just
 * that way, on purpose. NODES_LIMIT=N: a new epoch begins at N nodes.
 */
#include "../../record/agent/native/native.c"

#define UNW_LOCAL_ONLY
#include <fcntl.h>
#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/alone.h"

#define MOST 8192

/* For programs run with this library preloaded. */
double native_bench(int how, int n);

static __thread int guard;
static bool ready, by_step;
static uint64_t n_captures, n_different, n_frames, n_disorder;
static char first[4096];
static size_t first_size;

/* ---------------------------------------------------------------- substitutes for the rest of the agent */

void *got_real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void pystack_opening(void)
{
}

static void note(const char *what, uintptr_t pc)
{
	Dl_info d = { .dli_fname = "?" };
	dladdr((void *)pc, &d);
	if (first_size + 300 < sizeof first)
		first_size += (size_t)snprintf(first + first_size, 300, " %s %.120s+0x%lx %.80s;", what, d.dli_fname,
					       pc - (uintptr_t)d.dli_fbase, d.dli_sname ? d.dli_sname : "");
}

/* Every node must be defined after its parent, and be in a known object. */
static uint32_t last_node, n_epochs;
static struct { uint64_t start, end; } told[1024];
static unsigned n_told;

void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	uint32_t id = (uint32_t)(size >> 32), parent = (uint32_t)size;
	uint64_t pc = addr & ((1ull << 48) - 1);
	bool known = false;
	(void)stack;
	if (kind == WIRE_EPOCH) {
		last_node = (uint32_t)addr << WIRE_EPOCH_SHIFT;
		n_epochs++;
		return;
	}
	if (kind == WIRE_NATIVE)
		for (unsigned i = 0; i < sizeof told / sizeof *told && !known; i++)
			known = pc >= told[i].start && pc < told[i].end;
	if (id != last_node + 1 || (parent >= id && !(parent & WIRE_NATIVE_ROOT)) || !known)
		if (n_disorder++ == 0)
			note(!known ? "not told" : id != last_node + 1 ? "number" : "parent", pc);
	last_node = id;
}

void ring_message(uint8_t kind, uint64_t id, const struct piece *pieces, size_t n_pieces)
{
	(void)id, (void)n_pieces;
	if (kind != WIRE_MODULE)
		return;
	const struct wire_module *m = pieces[0].p;
	unsigned i = n_told++ % (sizeof told / sizeof *told);
	told[i].start = m->start;
	told[i].end = m->end;
}

uint32_t pystack_capture(void) { return 0; }
const struct python *pystack_python(void) { return NULL; }
void evaluators_read(struct evaluators *list) { list->n = 0; }

/* ---------------------------------------------------------------- the comparison */

static void compare(const uintptr_t *ours, uint32_t n, void *const *theirs, uint32_t m)
{
	uint32_t k = 0, lead = 0;
	while (lead < m && is_own((uintptr_t)theirs[lead] - 1))
		lead++;
	__atomic_add_fetch(&n_captures, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&n_frames, n, __ATOMIC_RELAXED);
	/* After a signal the address is that of an instruction, not of a call, so ours is not one less than theirs. */
	while (k < n && lead + k < m &&
	       ((uintptr_t)theirs[lead + k] == ours[k] + 1 || (uintptr_t)theirs[lead + k] == ours[k]))
		k++;
	if ((k == n && lead + k == m) || n == MOST || m == MOST)
		return;
	if (__atomic_add_fetch(&n_different, 1, __ATOMIC_RELAXED) > 3)
		return;
	first_size += (size_t)snprintf(first + first_size, sizeof first - first_size > 100 ? 100 : 0,
				       "\n  frame %u of %u, %u:", k, n, m - lead);
	if (k)
		note("after", ours[k - 1]);
	if (k < n)
		note("ours", ours[k]);
	if (lead + k < m)
		note("theirs", (uintptr_t)theirs[lead + k] - 1);
}

static int step_all(void **pc, int most)
{
	unw_context_t here;
	unw_cursor_t c;
	unw_word_t ip;
	int n = 0;
	unw_getcontext(&here);
	for (int more = unw_init_local(&c, &here) == 0; more > 0 && n < most; more = unw_step(&c)) {
		unw_get_reg(&c, UNW_REG_IP, &ip);
		if (ip == 0)
			break;
		pc[n++] = (void *)ip;
	}
	return n;
}

__attribute__((noinline)) void allocated(void)
{
	static __thread uintptr_t ours[MOST];
	static __thread void *theirs[MOST];
	if (guard || !ready)
		return;
	guard = 1;
	struct cfi_frame begin;
	CFI_BEGIN(&begin);
	native_capture(&begin);
	uint32_t n = native_frames(ours, MOST);
	int m = by_step ? step_all(theirs, MOST) : unw_backtrace(theirs, MOST);
	compare(ours, n, theirs, m < 0 ? 0 : (uint32_t)m);
	guard = 0;
}

/* Returns ns per capture: 0 unw_backtrace, 1 ours with the last walk cached, 2 without, 3 except for 5 frames. */
EXPORT double native_bench(int how, int n)
{
	static void *theirs[MOST];
	struct timespec a, b;
	guard = 1;
	struct cfi_frame begin;
	CFI_BEGIN(&begin);
	native_capture(&begin);
	unw_backtrace(theirs, MOST);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i++) {
		if (how == 0)
			unw_backtrace(theirs, MOST);
		else {
			if (how == 2)
				self->n = 0;
			if (how == 3)
				self->n -= 5;
			native_capture(&begin);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	guard = 0;
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / n;
}

static bool flag(const char *name)
{
	const char *s = getenv(name);
	return s && *s == '1';
}

__attribute__((constructor)) static void begin(void)
{
	guard = 1;
	native_no_flush = flag("NATIVE_NO_FLUSH");
	if ((by_step = flag("NATIVE_STEP")))
		unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
	native_init();
	ready = native_on;
	guard = 0;
}

__attribute__((destructor)) static void report(void)
{
	const char *file = getenv("NATIVE_REPORT");
	char line[5000];
	guard = 1;
	if (!file || !n_captures)
		return;
	int n = snprintf(line, sizeof line, "captures %lu frames %lu nodes %u epochs %u different %lu disorder %lu%s\n",
			 n_captures, n_frames, WIRE_NODE_INDEX(last_node), n_epochs, n_different, n_disorder, first);
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}
