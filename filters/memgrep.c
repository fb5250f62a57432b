/*
 * memgrep.c - keep allocations by function, file, thread, size and more
 *
 * In:    a trace (stdin or files)
 * Out:   the trace without the allocations that do not match, and without their
 *        frees; before a thread's next event, the number it made that do not.
 *        By type: at the end, those that a census found alive
 * Keeps: a bit per live allocation; a byte per function, frame and stack;
 *        by type, the live set (open_blocks.h)
 *
 * Conditions on frames (--function, --file, --module) must hold together for
 * one frame. They are checked once per function, and a stack matches if its frame
 * or its parent matches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "idset.h"
#include "memgrep/found.h"
#include "open_blocks.h"
#include "pattern.h"
#include "threads.h"
#include "tool.h"
#include "xmalloc.h"

static const struct tool_option options[] = {
	{ "function", 'f', "REGEX", "the name of a function in the stack matches REGEX",
	  .words = "functions '%'" },
	{ "file", 'F', "REGEX", "its file matches REGEX", .words = "files '%'" },
	{ "module", 'm', "REGEX", "its module (a shared object) matches REGEX", .words = "modules '%'" },
	{ "innermost", 'I', NULL,
	  "match only the innermost function, which allocated (default: any function in the stack)",
	  .words = "innermost" },
	{ "thread", 'T', "REGEX", "the thread's name at that moment matches REGEX",
	  .words = "threads '%'" },
	{ "type", 'y', "REGEX", "keep blocks that the last census found alive, if their type matches REGEX",
	  .words = "types '%'", .title = "alive at the last census, only %" },
	{ "census", 'C', "N", "keep blocks that the Nth census of their process found alive, not the last",
	  .words = "census %", .title = "alive at a census, only %" },
	{ "min-size", 's', "SIZE", "the size is at least SIZE bytes (512, 1.5k, 24MB, 1GiB)",
	  .words = "at least %" },
	{ "max-size", 'S', "SIZE", "the size is at most SIZE bytes", .words = "at most %" },
	{ "allocator", 'a', "NAMES", "made by one of these allocators, as memcat names them: malloc,mmap,mmap_file,...",
	  .words = "by %" },
	{ "pid", 'p', "PID", "made by process PID", .words = "process %" },
	{ "tid", 't', "TID", "made by thread TID (the kernel's number)", .words = "thread %" },
	{ "ignore-case", 'i', NULL, "ignore case in every REGEX" },
	{ "invert", 'v', NULL, "keep only allocations that do not match", .title = "without %" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "memgrep",
	.summary = "keep allocations by function, file, thread, size and more",
	.title = "only %",
	.operands = "[TRACE...]",
	.example = "memgrep --file '/site-packages/numpy/' --min-size 1MB trace.lz4 | memsummary",
	.options = options,
};

struct conditions {
	struct pattern function, file, module, thread, type;
	uint64_t min, max;		/* bytes */
	uint32_t allocators;		/* a bit each; 0 = all */
	bool has_pid, has_tid;
	uint32_t pid, tid;
	bool innermost, inverted;
	uint64_t census;		/* its number; 0: the last */
	bool by_type;			/* the answer is what a census found alive */
};

/* A flag for each number of the trace. */
struct flags {
	bool *at;
	size_t n, cap;
};

struct matcher {
	struct conditions when;
	struct flags functions, frames, stacks;
	struct threads *threads;
	struct flags names;		/* by number of a thread: its name matches */
	struct idset *kept;
	uint64_t *skipped;		/* by number of a thread: allocations left out since its last event passed on */
	size_t n_skipped, cap_skipped;
	/* by type: */
	struct open_blocks *open;	/* the live blocks; of them, `kept` has those that meet the other conditions */
	struct found *found;
	uint64_t n_censuses;
};

/* ---------------------------------------------------------------- conditions */

static uint32_t parse_allocators(const char *text)
{
	uint32_t set = 0;

	for (;;) {
		size_t n = strcspn(text, ",");
		unsigned allocator = mt_allocator_of(text, n);
		if (!allocator)
			usage_die("--allocator: unknown allocator '%.*s' (examples: malloc, calloc, realloc, mmap, "
				  "pymalloc_malloc)",
				  (int)n, text);
		set |= UINT32_C(1) << allocator;
		if (!text[n])
			return set;
		text += n + 1;
	}
}

static bool has_frame_conditions(const struct conditions *c)
{
	return c->function.text || c->file.text || c->module.text;
}

/* Returns whether no allocation of that process can match: then all rows about it are dropped. */
static bool is_foreign(const struct conditions *c, uint32_t pid)
{
	if (!c->has_pid)
		return false;
	if (!c->inverted)
		return pid != c->pid;
	return pid == c->pid && !has_frame_conditions(c) && !c->thread.text && c->min == 0 && c->max == UINT64_MAX &&
	       !c->allocators && !c->has_tid && !c->by_type;
}

/* ---------------------------------------------------------------- flags */

static void set(struct flags *f, uint32_t n, bool value)
{
	while (f->n <= n) {
		GROW(f->at, f->n, f->cap);
		f->at[f->n++] = false;
	}
	f->at[n] = value;
}

static bool is_set(const struct flags *f, uint32_t n)
{
	return n < f->n && f->at[n];
}

static void define(struct matcher *m, const struct mt_event *ev)
{
	const struct conditions *c = &m->when;

	switch (ev->kind) {
	case MT_FUNCTION:
		set(&m->functions, ev->function,
		    pattern_finds(&c->function, ev->name) && pattern_finds(&c->file, ev->file) &&
			    pattern_finds(&c->module, ev->module));
		break;
	case MT_FRAME:
		set(&m->frames, ev->frame, is_set(&m->functions, ev->function));
		break;
	case MT_STACK:
		set(&m->stacks, ev->stack,
		    is_set(&m->frames, ev->frame) || (!c->innermost && is_set(&m->stacks, ev->parent)));
		break;
	case MT_THREAD:
		set(&m->names, threads_number(m->threads, ev->pid, ev->tid), pattern_finds(&c->thread, ev->name));
		break;
	case MT_HEADER:
		m->functions.n = m->frames.n = m->stacks.n = m->names.n = 0;
		m->n_skipped = 0;
		idset_clear(m->kept);
		if (m->open)
			open_blocks_clear(m->open);
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------- events */

static bool matches(const struct matcher *m, const struct mt_event *ev)
{
	const struct conditions *c = &m->when;

	return ev->size >= c->min && ev->size <= c->max &&
	       (!c->allocators || (c->allocators >> (ev->allocator & 31) & 1)) &&
	       (!c->has_pid || ev->pid == c->pid) && (!c->has_tid || ev->tid == c->tid) &&
	       (!has_frame_conditions(c) || is_set(&m->stacks, ev->stack)) &&
	       (!c->thread.text || is_set(&m->names, threads_number(m->threads, ev->pid, ev->tid)));
}

/* Returns the count of allocations of the event's thread left out since the last MT_SKIPPED. */
static uint64_t *skipped_of(struct matcher *m, const struct mt_event *ev)
{
	uint32_t thread = threads_number(m->threads, ev->pid, ev->tid);

	while (m->n_skipped <= thread) {
		GROW(m->skipped, m->n_skipped, m->cap_skipped);
		m->skipped[m->n_skipped++] = 0;
	}
	return &m->skipped[thread];
}

static int put(struct matcher *m, const struct mt_event *ev, struct mt_out *out)
{
	uint64_t *skipped = ev->kind == MT_ALLOC || ev->kind == MT_FREE ? skipped_of(m, ev) : NULL;

	if (skipped && *skipped) {
		struct mt_event row = {
			.kind = MT_SKIPPED, .count = *skipped, .pid = ev->pid, .tid = ev->tid, .time_ms = ev->time_ms,
		};
		*skipped = 0;
		if (mt_put(out, &row) < 0)
			return -1;
	}
	return mt_put(out, ev);
}

/* ---------------------------------------------------------------- by type */

static void find_types(struct matcher *m, const struct mt_event *ev)
{
	struct census_reading reading;
	struct census_entry e;
	struct mt_event alloc = { 0 };

	census_reading_begin(&reading, ev->info);
	bool *matching = xcalloc(reading.n_names + 1, sizeof *matching);
	matching[0] = pattern_finds(&m->when.type, text_empty);
	for (uint32_t i = 0; i < reading.n_names; i++)
		matching[i + 1] = pattern_finds(&m->when.type, reading.names[i]);
	while (census_reading_next(&reading, &e))
		if (open_blocks_find(m->open, e.id, &alloc) && alloc.pid == ev->pid &&
		    (matching[e.type_number] && idset_has(m->kept, e.id)) != m->when.inverted)
			found_add(m->found, ev->pid, &alloc, &e);
	free(matching);
	census_reading_clear(&reading);
}

/* Returns whether the event is passed on; allocations are not, until their censuses are known. */
static bool take_by_type(struct matcher *m, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_ALLOC:
		open_blocks_open(m->open, ev, NULL);
		idset_remove(m->kept, ev->id);
		if (matches(m, ev))
			idset_add(m->kept, ev->id);
		return false;
	case MT_FREE:
		open_blocks_close(m->open, ev->id, NULL);
		return false;
	case MT_RESIZE:
		open_blocks_resize(m->open, ev, NULL);
		return false;
	case MT_SKIPPED:
		return false;	/* without frees, allocations in between have no meaning */
	case MT_CENSUS:
		m->n_censuses++;
		if (!is_foreign(&m->when, ev->pid))
			found_begin(m->found, ev);
		return false;
	case MT_BLOCKS:
		if (!is_foreign(&m->when, ev->pid))
			find_types(m, ev);
		return false;
	default:
		define(m, ev);
		return !mt_kind_has_pid(ev->kind) || !is_foreign(&m->when, ev->pid);
	}
}

/* The loop by type: the blocks found come at the end of their trace. */
static void answer_by_type(struct matcher *m, struct mt_in *in, struct mt_out *out)
{
	struct mt_event ev;

	m->open = open_blocks_new();
	m->found = found_new(m->when.census);
	while (mt_next(in, &ev) > 0) {
		if ((ev.kind == MT_HEADER || ev.kind == MT_END) && found_put(m->found, out) < 0)
			break;
		if (take_by_type(m, &ev) && mt_put(out, &ev) < 0)
			break;
	}
	found_put(m->found, out);	/* of a trace that was cut off */
	if (!m->n_censuses)
		warn("%s has no census: record it with 'memrec --census', or call memrec.census() in the program",
		     mt_in_name(in));
	open_blocks_free(m->open);
	found_free(m->found);
}

/* Returns whether the event is passed on. */
static bool take(struct matcher *m, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_ALLOC:
		if (matches(m, ev) == m->when.inverted) {
			idset_remove(m->kept, ev->id);	/* the last allocation with this id may not have been freed */
			*skipped_of(m, ev) += mt_is_memory(ev->allocator);	/* others are never counted */
			return false;
		}
		idset_add(m->kept, ev->id);
		return true;
	case MT_FREE:
		return idset_remove(m->kept, ev->id);
	case MT_RESIZE:
		return idset_has(m->kept, ev->id);
	case MT_SKIPPED:
		*skipped_of(m, ev) += ev->count;
		return false;
	default:
		define(m, ev);
		return !mt_kind_has_pid(ev->kind) || !is_foreign(&m->when, ev->pid);
	}
}

static void pass(struct matcher *m, struct mt_in *in, struct mt_out *out)
{
	struct mt_event ev;

	while (mt_next(in, &ev) > 0)
		if (take(m, &ev) && put(m, &ev, out) < 0)
			break;
}

/* A user may have given a pattern as the first operand, as for grep. */
static void check_operands(const struct conditions *c, int argc, char **argv)
{
	for (int i = optind; i < argc; i++)
		if (strcmp(argv[i], "-") != 0 && access(argv[i], F_OK) < 0 && errno == ENOENT &&
		    !has_frame_conditions(c))
			die("%s: cannot open: No such file or directory (to find functions of that name: "
			    "memgrep -f '%s')", argv[i], argv[i]);
}

static struct conditions parse(int argc, char **argv)
{
	struct conditions c = { .max = UINT64_MAX };
	int flags = 0;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1; )
		switch (key) {
		case 'f': c.function = (struct pattern){ .text = optarg, .option = "--function" }; break;
		case 'F': c.file = (struct pattern){ .text = optarg, .option = "--file" }; break;
		case 'm': c.module = (struct pattern){ .text = optarg, .option = "--module" }; break;
		case 'T': c.thread = (struct pattern){ .text = optarg, .option = "--thread" }; break;
		case 'y': c.type = (struct pattern){ .text = optarg, .option = "--type" }; break;
		case 'C': c.census = tool_number(optarg, "--census", 1, UINT32_MAX); break;
		case 's': c.min = tool_size(optarg, "--min-size"); break;
		case 'S': c.max = tool_size(optarg, "--max-size"); break;
		case 'a': c.allocators = parse_allocators(optarg); break;
		case 'I': c.innermost = true; break;
		case 'i': flags = REG_ICASE; break;
		case 'v': c.inverted = true; break;
		case 'p':
			c.pid = (uint32_t)tool_number(optarg, "--pid", 0, UINT32_MAX);
			c.has_pid = true;
			break;
		case 't':
			c.tid = (uint32_t)tool_number(optarg, "--tid", 0, UINT32_MAX);
			c.has_tid = true;
			break;
		}
	if (c.min > c.max)
		usage_die("--min-size is larger than --max-size: nothing can match");
	if (c.innermost && !has_frame_conditions(&c))
		usage_die("--innermost needs --function, --file or --module");
	pattern_compile(&c.function, flags);
	pattern_compile(&c.file, flags);
	pattern_compile(&c.module, flags);
	pattern_compile(&c.thread, flags);
	pattern_compile(&c.type, flags);
	c.by_type = c.type.text || c.census;
	return c;
}

int main(int argc, char **argv)
{
	struct matcher m = { .when = parse(argc, argv) };
	check_operands(&m.when, argc, argv);
	struct mt_in *in = tool_input(argc, argv);
	struct tool as_asked = tool;
	as_asked.mappings = !m.when.inverted && m.when.allocators & MT_NOT_MEMORY;
	as_asked.answer = m.when.by_type;
	struct mt_out *out = tool_output(&as_asked, in, argv);
	m.threads = threads_new();
	m.kept = idset_new();
	if (m.when.by_type)
		answer_by_type(&m, in, out);
	else
		pass(&m, in, out);
	pattern_clear(&m.when.function);
	pattern_clear(&m.when.file);
	pattern_clear(&m.when.module);
	pattern_clear(&m.when.thread);
	pattern_clear(&m.when.type);
	free(m.functions.at);
	free(m.frames.at);
	free(m.stacks.at);
	free(m.names.at);
	free(m.skipped);
	threads_free(m.threads);
	idset_free(m.kept);
	int status = tool_finish(in, out);
	return m.when.by_type && !m.n_censuses ? 1 : status;
}
