/*
 * stream.h - shared by the tests of the stream: lists of events, writing and reading traces
 */
#ifndef STREAM_H
#define STREAM_H

#include "memtrace.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define N(a) (sizeof (a) / sizeof *(a))

/* Bytes of a file, or events; owned. */
struct bytes {
	uint8_t *p;
	size_t n;
};

struct events {
	struct mt_event *v;
	size_t n, size;
	int end;		/* mt_next()'s last result */
	char *error;		/* from mt_in_error(), or mt_open()'s why */
	bool opened;
};

static unsigned long long seed = 20;

static inline unsigned long long below(unsigned long long n)
{
	return check_random(&seed) % n;
}

/* ---------------------------------------------------------------- events */

#define TEXT(literal) {literal, sizeof literal - 1}

/* Each kind, with the smallest and the largest numbers. Ids jump across all of 32 bits and back. */
static const struct mt_event all_kinds[] = {
	{ .kind = MT_PROCESS, .pid = 4294967295u, .time_ms = 0, .info = TEXT("\x81\xa1k\x92\x01\xc0") },
	{ .kind = MT_FUNCTION, .function = 1, .lang = 1, .name = TEXT("f"), .file = TEXT("a.py"), .line = 1,
	 .module = TEXT("") },
	{ .kind = MT_FUNCTION, .function = 2, .lang = 2, .name = TEXT("a name of more than thirty-one bytes"),
	 .file = TEXT(""), .line = 4294967295u, .module = TEXT("libc.so.6") },
	{ .kind = MT_FRAME, .frame = 1, .function = 2, .line = 0 },
	{ .kind = MT_FRAME, .frame = 2, .function = 1, .line = 4294967295u },
	{ .kind = MT_STACK, .stack = 1, .parent = 0, .frame = 2 },
	{ .kind = MT_STACK, .stack = 2, .parent = 1, .frame = 1 },
	{ .kind = MT_STACK, .stack = 3, .parent = 1, .frame = 2 },
	{ .kind = MT_THREAD, .pid = 1, .tid = 4294967295u, .time_ms = 1, .name = TEXT("n\0ul") },
	{ .kind = MT_ALLOC, .allocator = MT_MALLOC, .id = 0, .size = 0, .stack = 0, .weight = 1 },
	{ .kind = MT_ALLOC, .allocator = MT_MMAP, .id = 4294967295u, .size = 18446744073709551615u, .stack = 3,
	 .weight = 18446744073709551615u, .pid = 1, .tid = 2, .time_ms = 9223372036854775807u },
	{ .kind = MT_ALLOC, .allocator = 31, .id = 1, .size = 2147483648u, .stack = 1, .weight = 2 },
	{ .kind = MT_ALLOC, .allocator = MT_CALLOC, .id = 2147483648u, .size = 9223372036854775808u, .stack = 2,
	 .weight = 1 },
	{ .kind = MT_RESIZE, .id = 2147483648u, .size = 9223372036854775808u, .pid = 7, .tid = 7, .time_ms = 7 },
	{ .kind = MT_FREE, .id = 4294967295u, .pid = 7, .tid = 7, .time_ms = 7 },
	{ .kind = MT_FREE, .id = 0, .pid = 7, .tid = 4294967295u, .time_ms = 7 },
	{ .kind = MT_FREE, .id = 2147483648u, .pid = 4294967295u, .tid = 4294967295u, .time_ms = 2147483648u },
	{ .kind = MT_RSS, .size = 18446744073709551615u, .pid = 3, .time_ms = 2 },
	{ .kind = MT_LOST, .count = 9223372036854775808u, .name = TEXT("why"), .pid = 3, .time_ms = 2 },
	{ .kind = MT_SKIPPED, .count = 9223372036854775808u, .pid = 4, .tid = 2147483648u, .time_ms = 1 },
	{ .kind = MT_SPAN, .count = 1, .name = TEXT("a name of more than thirty-one bytes"), .pid = 4294967295u,
	  .tid = 5,
	 .time_ms = 9223372036854775807u },
	{ .kind = MT_SPAN, .count = 0, .name = TEXT(""), .pid = 0, .tid = 4294967295u, .time_ms = 0 },
	{ .kind = MT_MEMORY, .pid = 4294967295u, .time_ms = 9223372036854775807u, .info = TEXT("\x81\xa4swap\x00") },
	{ .kind = MT_MEMORY, .pid = 0, .time_ms = 0, .info = TEXT("\x80") },
	{ .kind = MT_SOURCE, .file = TEXT("/srv/a.py"), .line = 4294967295u, .count = 9223372036854775808u,
	 .name = TEXT("def f():\n\treturn \xff") },
	{ .kind = MT_SOURCE, .file = TEXT(""), .line = 0, .count = 0, .name = TEXT("") },
	{ .kind = MT_CENSUS, .pid = 4294967295u, .time_ms = 9223372036854775807u,
		.info = TEXT("\x81\xa6""blocks\x00") },
	{ .kind = MT_BLOCKS, .pid = 1, .time_ms = 1,
	  .info = TEXT("\x82\xa5types\x91\xa4""dict\xa6""blocks\x93\xcf\x7f\xff\xff\xff\xff\xff\xff\xf0\xff\x01") },
	{ .kind = MT_COLLECTION, .count = 1, .pid = 4294967295u, .tid = 5, .time_ms = 9223372036854775807u },
	{ .kind = MT_COLLECTION, .count = 0, .pid = 0, .tid = 4294967295u, .time_ms = 0 },
	{ .kind = MT_OTHER, .info = TEXT("\x93\xcc\xc8\x81\xa1k\xc4\x02\x00\xff\xcb\x3f\xf8\0\0\0\0\0\0") },
	{ .kind = MT_EXIT, .pid = 0, .time_ms = 2, .info = TEXT("\x80") },
	{ .kind = MT_END, .time_ms = 3 },
};

static inline bool same_text(struct mt_str a, struct mt_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool same_context(const struct mt_event *a, const struct mt_event *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->time_ms == b->time_ms;
}

static inline bool same(const struct mt_event *a, const struct mt_event *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case MT_ALLOC:
		return a->allocator == b->allocator && a->id == b->id && a->size == b->size &&
		       a->stack == b->stack && a->weight == b->weight && same_context(a, b);
	case MT_FREE:
		return a->id == b->id && same_context(a, b);
	case MT_RESIZE:
		return a->id == b->id && a->size == b->size && same_context(a, b);
	case MT_FUNCTION:
		return a->function == b->function && a->lang == b->lang && a->line == b->line &&
		       same_text(a->name, b->name) && same_text(a->file, b->file) &&
		       same_text(a->module, b->module);
	case MT_FRAME:
		return a->frame == b->frame && a->function == b->function && a->line == b->line;
	case MT_STACK:
		return a->stack == b->stack && a->parent == b->parent && a->frame == b->frame;
	case MT_THREAD:
		return same_text(a->name, b->name) && same_context(a, b);
	case MT_PROCESS:
	case MT_EXIT:
	case MT_MEMORY:
	case MT_CENSUS:
	case MT_BLOCKS:
		return a->pid == b->pid && a->time_ms == b->time_ms && same_text(a->info, b->info);
	case MT_RSS:
		return a->size == b->size && a->pid == b->pid && a->time_ms == b->time_ms;
	case MT_LOST:
		return a->count == b->count && a->pid == b->pid && a->time_ms == b->time_ms &&
		       same_text(a->name, b->name);
	case MT_SPAN:
		return a->count == b->count && same_text(a->name, b->name) && same_context(a, b);
	case MT_SOURCE:
		return a->count == b->count && a->line == b->line && same_text(a->file, b->file) &&
		       same_text(a->name, b->name);
	case MT_SKIPPED:
	case MT_COLLECTION:
		return a->count == b->count && same_context(a, b);
	case MT_END:
		return a->time_ms == b->time_ms;
	default:
		return same_text(a->info, b->info);
	}
}

static inline struct mt_str keep(struct mt_str s)
{
	char *p = malloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct mt_str){ p, s.n };
}

/* Returns a copy that owns its texts. */
static inline void append(struct events *l, const struct mt_event *ev)
{
	if (l->n == l->size) {
		l->size = l->size * 2 + 64;
		l->v = realloc(l->v, l->size * sizeof *l->v);
	}
	struct mt_event *to = &l->v[l->n++];
	bool texts = ev->kind != MT_ALLOC && ev->kind != MT_FREE;
	*to = *ev;
	to->name = texts ? keep(ev->name) : (struct mt_str){ 0 };
	to->file = texts ? keep(ev->file) : (struct mt_str){ 0 };
	to->module = texts ? keep(ev->module) : (struct mt_str){ 0 };
	to->info = texts ? keep(ev->info) : (struct mt_str){ 0 };
}

static inline void events_free(struct events *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->v[i].name.p);
		free((char *)l->v[i].file.p);
		free((char *)l->v[i].module.p);
		free((char *)l->v[i].info.p);
	}
	free(l->v);
	free(l->error);
	*l = (struct events){ 0 };
}

/* Returns whether the first n events of a and b are equal. */
static inline bool begins_alike(const struct events *a, const struct events *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!same(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static inline bool equal(const struct events *a, const struct events *b)
{
	return a->n == b->n && begins_alike(a, b, a->n);
}

/* ---------------------------------------------------------------- traces */

static inline struct bytes file_bytes(int fd)
{
	struct stat st;
	struct bytes b = { 0 };

	fstat(fd, &st);
	b.n = (size_t)st.st_size;
	b.p = malloc(b.n + 1);
	if (pread(fd, b.p, b.n, 0) != (ssize_t)b.n)
		abort();
	return b;
}

static inline struct mt_header *some_header(void)
{
	const char *const command[] = { "python3", "it's.py", "", "-x", NULL };
	struct mt_header_options options = { .command = command, .python_allocators = true, .start_ns = 1700 };

	return mt_header_new(&options);
}

/* Returns the events as a trace. */
static inline struct bytes trace_of(const struct mt_event *v, size_t n, enum mt_packing packing)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "trace", packing);
	struct mt_header *h = some_header();
	int r = mt_put_header(out, h);

	for (size_t i = 0; i < n && r == 0; i++)
		r = mt_put(out, &v[i]);
	if (mt_close(out, NULL) < 0)
		abort();
	mt_header_free(h);
	struct bytes b = file_bytes(fd);
	close(fd);
	return b;
}

static inline struct events drain(struct mt_in *in, char *why)
{
	struct events l = { .opened = in != NULL, .end = -1, .error = why };
	struct mt_event ev;

	if (in == NULL)
		return l;
	while ((l.end = mt_next(in, &ev)) > 0)
		append(&l, &ev);
	if (mt_next(in, &ev) != l.end)
		abort();		/* the end must stick */
	l.error = mt_in_error(in) != NULL ? strdup(mt_in_error(in)) : NULL;
	mt_close_in(in);
	return l;
}

static inline struct events read_bytes(const void *p, size_t n)
{
	char *why = NULL;
	uint8_t *exact = malloc(n);	/* so that reading a byte too many is noticed */

	if (n > 0)
		memcpy(exact, p, n);
	struct mt_in *in = mt_open_memory(exact, n, &why);
	struct events l = drain(in, why);
	free(exact);
	return l;
}

static inline struct events read_path(const char *path)
{
	char *why = NULL;
	struct mt_in *in = mt_open(&path, 1, &why);

	return drain(in, why);
}

/* Decompresses by liblz4 alone, independently of the reader. */
static inline struct bytes unpacked(struct bytes packed)
{
	LZ4F_dctx *ctx;
	struct bytes b = { .p = malloc(64u << 20) };
	size_t at = 0;

	LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION);
	while (at < packed.n) {
		size_t in = packed.n - at, got = (64u << 20) - b.n;
		if (LZ4F_isError(LZ4F_decompress(ctx, b.p + b.n, &got, packed.p + at, &in, NULL)))
			abort();
		at += in;
		b.n += got;
	}
	LZ4F_freeDecompressionContext(ctx);
	return b;
}

/* Random valid events like a recorder's: `n` allocations and frees, and the definitions they need. */
static inline struct events random_events(size_t n)
{
	struct events l = { 0 };
	uint32_t stacks = 0, frames = 0, ids = 0, n_live = 0;
	uint32_t *live = malloc((n + 1) * sizeof *live);
	struct mt_event where = { .pid = 10, .tid = 11 };

	append(&l, &(struct mt_event){ .kind = MT_FUNCTION, .function = 1, .lang = 1, .name = TEXT("f") });
	for (size_t i = 0; i < n; i++) {
		where.time_ms += below(50) == 0;
		where.tid = below(200) == 0 ? 11 + (uint32_t)below(3) : where.tid;
		where.pid = below(2000) == 0 ? 10 + (uint32_t)below(2) : where.pid;
		if (below(20) == 0) {
			frames++;
			append(&l, &(struct mt_event){ .kind = MT_FRAME, .frame = frames, .function = 1,
						      .line = (uint32_t)below(9999) });
			uint32_t parent = (uint32_t)below(stacks + 1);
			for (size_t depth = below(4) == 0 ? 1 + below(40) : 1; depth > 0; depth--) {
				append(&l, &(struct mt_event){ .kind = MT_STACK, .stack = ++stacks, .parent = parent,
							      .frame = 1 + (uint32_t)below(frames) });
				parent = stacks;
			}
		}
		if (below(500) == 0) {
			char name[300];
			memset(name, 'x', sizeof name);
			append(&l, &(struct mt_event){ .kind = MT_THREAD, .pid = where.pid, .tid = where.tid,
						      .time_ms = where.time_ms, .name = { name, below(300) } });
		}
		struct mt_event ev = where;
		if (n_live > 0 && below(2) == 0) {
			size_t at = below(n_live);
			ev.kind = MT_FREE;
			ev.id = live[at];
			live[at] = live[--n_live];
		} else {
			ev.kind = MT_ALLOC;
			ev.allocator = (uint8_t)(1 + below(31));
			ev.id = live[n_live++] = ids++;
			ev.size = below(1000) == 0 ? check_random(&seed) : below(1u << below(24));
			ev.stack = (uint32_t)below(stacks + 1);
			ev.weight = below(30) == 0 ? 1 + below(99) : 1;
		}
		append(&l, &ev);
	}
	append(&l, &(struct mt_event){ .kind = MT_END, .time_ms = where.time_ms });
	free(live);
	return l;
}

static inline struct events as_list(const struct mt_event *v, size_t n)
{
	struct events l = { 0 };

	for (size_t i = 0; i < n; i++)
		append(&l, &v[i]);
	return l;
}

#endif
