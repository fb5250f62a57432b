/*
 * stream.c - what is put into a trace comes out of it, and nothing in a file can harm a reader
 */
#include "memtrace.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4frame.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "mp.h"

#define N(a) (sizeof (a) / sizeof *(a))

/* Bytes of a file, or events; owned. */
struct bytes {
	uint8_t *p;
	size_t n;
};

struct events {
	struct mt_event *v;
	size_t n, size;
	int end;		/* mt_next()'s last word */
	char *error;		/* mt_in_error()'s, or mt_open()'s why */
	bool opened;
};

static unsigned long long seed = 20;

static unsigned long long below(unsigned long long n)
{
	return check_random(&seed) % n;
}

/* ---------------------------------------------------------------- events */

#define TEXT(literal) {literal, sizeof literal - 1}

/* Each kind, each number as small and as large as can be. Ids jump over all of 32 bits and back. */
static const struct mt_event all_kinds[] = {
	{.kind = MT_PROCESS, .pid = 4294967295u, .time_ms = 0, .info = TEXT("\x81\xa1k\x92\x01\xc0")},
	{.kind = MT_FUNCTION, .function = 1, .lang = 1, .name = TEXT("f"), .file = TEXT("a.py"), .line = 1,
	 .module = TEXT("")},
	{.kind = MT_FUNCTION, .function = 2, .lang = 2, .name = TEXT("a name of more than thirty-one bytes"),
	 .file = TEXT(""), .line = 4294967295u, .module = TEXT("libc.so.6")},
	{.kind = MT_FRAME, .frame = 1, .function = 2, .line = 0},
	{.kind = MT_FRAME, .frame = 2, .function = 1, .line = 4294967295u},
	{.kind = MT_STACK, .stack = 1, .parent = 0, .frame = 2},
	{.kind = MT_STACK, .stack = 2, .parent = 1, .frame = 1},
	{.kind = MT_STACK, .stack = 3, .parent = 1, .frame = 2},
	{.kind = MT_THREAD, .pid = 1, .tid = 4294967295u, .time_ms = 1, .name = TEXT("n\0ul")},
	{.kind = MT_ALLOC, .allocator = MT_MALLOC, .id = 0, .size = 0, .stack = 0, .weight = 1},
	{.kind = MT_ALLOC, .allocator = MT_MMAP, .id = 4294967295u, .size = 18446744073709551615u, .stack = 3,
	 .weight = 18446744073709551615u, .pid = 1, .tid = 2, .time_ms = 9223372036854775807u},
	{.kind = MT_ALLOC, .allocator = 31, .id = 1, .size = 2147483648u, .stack = 1, .weight = 2},
	{.kind = MT_ALLOC, .allocator = MT_CALLOC, .id = 2147483648u, .size = 9223372036854775808u, .stack = 2,
	 .weight = 1},
	{.kind = MT_RESIZE, .id = 2147483648u, .size = 9223372036854775808u, .pid = 7, .tid = 7, .time_ms = 7},
	{.kind = MT_FREE, .id = 4294967295u, .pid = 7, .tid = 7, .time_ms = 7},
	{.kind = MT_FREE, .id = 0, .pid = 7, .tid = 4294967295u, .time_ms = 7},
	{.kind = MT_FREE, .id = 2147483648u, .pid = 4294967295u, .tid = 4294967295u, .time_ms = 2147483648u},
	{.kind = MT_RSS, .size = 18446744073709551615u, .pid = 3, .time_ms = 2},
	{.kind = MT_LOST, .count = 9223372036854775808u, .name = TEXT("why"), .pid = 3, .time_ms = 2},
	{.kind = MT_SKIPPED, .count = 9223372036854775808u, .pid = 4, .tid = 2147483648u, .time_ms = 1},
	{.kind = MT_SPAN, .count = 1, .name = TEXT("a name of more than thirty-one bytes"), .pid = 4294967295u, .tid = 5,
	 .time_ms = 9223372036854775807u},
	{.kind = MT_SPAN, .count = 0, .name = TEXT(""), .pid = 0, .tid = 4294967295u, .time_ms = 0},
	{.kind = MT_OTHER, .info = TEXT("\x93\xcc\xc8\x81\xa1k\xc4\x02\x00\xff\xcb\x3f\xf8\0\0\0\0\0\0")},
	{.kind = MT_EXIT, .pid = 0, .time_ms = 2, .info = TEXT("\x80")},
	{.kind = MT_END, .time_ms = 3},
};

static bool same_text(struct mt_str a, struct mt_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool same_context(const struct mt_event *a, const struct mt_event *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->time_ms == b->time_ms;
}

static bool same(const struct mt_event *a, const struct mt_event *b)
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
		return a->pid == b->pid && a->time_ms == b->time_ms && same_text(a->info, b->info);
	case MT_RSS:
		return a->size == b->size && a->pid == b->pid && a->time_ms == b->time_ms;
	case MT_LOST:
		return a->count == b->count && a->pid == b->pid && a->time_ms == b->time_ms &&
		       same_text(a->name, b->name);
	case MT_SPAN:
		return a->count == b->count && same_text(a->name, b->name) && same_context(a, b);
	case MT_SKIPPED:
		return a->count == b->count && same_context(a, b);
	case MT_END:
		return a->time_ms == b->time_ms;
	default:
		return same_text(a->info, b->info);
	}
}

static struct mt_str keep(struct mt_str s)
{
	char *p = malloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct mt_str){p, s.n};
}

/* A copy that owns its texts. */
static void append(struct events *l, const struct mt_event *ev)
{
	if (l->n == l->size) {
		l->size = l->size * 2 + 64;
		l->v = realloc(l->v, l->size * sizeof *l->v);
	}
	struct mt_event *to = &l->v[l->n++];
	bool texts = ev->kind != MT_ALLOC && ev->kind != MT_FREE;
	*to = *ev;
	to->name = texts ? keep(ev->name) : (struct mt_str){0};
	to->file = texts ? keep(ev->file) : (struct mt_str){0};
	to->module = texts ? keep(ev->module) : (struct mt_str){0};
	to->info = texts ? keep(ev->info) : (struct mt_str){0};
}

static void events_free(struct events *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->v[i].name.p);
		free((char *)l->v[i].file.p);
		free((char *)l->v[i].module.p);
		free((char *)l->v[i].info.p);
	}
	free(l->v);
	free(l->error);
	*l = (struct events){0};
}

/* The first n of a are the first n of b. */
static bool begins_alike(const struct events *a, const struct events *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!same(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static bool equal(const struct events *a, const struct events *b)
{
	return a->n == b->n && begins_alike(a, b, a->n);
}

/* ---------------------------------------------------------------- traces */

static struct bytes file_bytes(int fd)
{
	struct stat st;
	struct bytes b = {0};

	fstat(fd, &st);
	b.n = (size_t)st.st_size;
	b.p = malloc(b.n + 1);
	if (pread(fd, b.p, b.n, 0) != (ssize_t)b.n)
		abort();
	return b;
}

static struct mt_header *some_header(void)
{
	const char *const command[] = {"python3", "it's.py", "", "-x", NULL};
	struct mt_header_options options = {.command = command, .python_allocators = true, .start_ns = 1700};

	return mt_header_new(&options);
}

/* The events as a trace. */
static struct bytes trace_of(const struct mt_event *v, size_t n, enum mt_packing packing)
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

static struct events drain(struct mt_in *in, char *why)
{
	struct events l = {.opened = in != NULL, .end = -1, .error = why};
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

static struct events read_bytes(const void *p, size_t n)
{
	char *why = NULL;
	uint8_t *exact = malloc(n);	/* so that a byte too far is noticed */

	if (n > 0)
		memcpy(exact, p, n);
	struct mt_in *in = mt_open_memory(exact, n, &why);
	struct events l = drain(in, why);
	free(exact);
	return l;
}

static struct events read_path(const char *path)
{
	char *why = NULL;
	struct mt_in *in = mt_open(&path, 1, &why);

	return drain(in, why);
}

/* By liblz4 alone, so that the reader is not asked about itself. */
static struct bytes unpacked(struct bytes packed)
{
	LZ4F_dctx *ctx;
	struct bytes b = {.p = malloc(64u << 20)};
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

/* Random valid events of a recorder's manner: `n` allocations and frees, and what they need. */
static struct events random_events(size_t n)
{
	struct events l = {0};
	uint32_t stacks = 0, frames = 0, ids = 0, n_live = 0;
	uint32_t *live = malloc((n + 1) * sizeof *live);
	struct mt_event where = {.pid = 10, .tid = 11};

	append(&l, &(struct mt_event){.kind = MT_FUNCTION, .function = 1, .lang = 1, .name = TEXT("f")});
	for (size_t i = 0; i < n; i++) {
		where.time_ms += below(50) == 0;
		where.tid = below(200) == 0 ? 11 + (uint32_t)below(3) : where.tid;
		where.pid = below(2000) == 0 ? 10 + (uint32_t)below(2) : where.pid;
		if (below(20) == 0) {
			frames++;
			append(&l, &(struct mt_event){.kind = MT_FRAME, .frame = frames, .function = 1,
						      .line = (uint32_t)below(9999)});
			stacks++;
			append(&l, &(struct mt_event){.kind = MT_STACK, .stack = stacks,
						      .parent = (uint32_t)below(stacks), .frame = frames});
		}
		if (below(500) == 0) {
			char name[300];
			memset(name, 'x', sizeof name);
			append(&l, &(struct mt_event){.kind = MT_THREAD, .pid = where.pid, .tid = where.tid,
						      .time_ms = where.time_ms, .name = {name, below(300)}});
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
	append(&l, &(struct mt_event){.kind = MT_END, .time_ms = where.time_ms});
	free(live);
	return l;
}

/* ---------------------------------------------------------------- a second opinion */

/* A reader of its own, over msgpack-c's objects, of the fields' names in the header. */
struct oracle {
	const msgpack_object *kinds;
	int64_t running[16];
	const char *names[16];
	int64_t pid, tid, time_ms;
	struct events events;
	bool ended;
	unsigned syncs;
};

static int64_t *running_of(struct oracle *o, const msgpack_object_str *field)
{
	for (size_t i = 0; i < N(o->names); i++) {
		if (o->names[i] == NULL)
			o->names[i] = strndup(field->ptr, field->size);
		if (strlen(o->names[i]) == field->size && memcmp(o->names[i], field->ptr, field->size) == 0)
			return &o->running[i];
	}
	abort();
}

static bool is(const msgpack_object_str *s, const char *name)
{
	return s->size == strlen(name) && memcmp(s->ptr, name, s->size) == 0;
}

static const msgpack_object_array *fields_of_kind(const struct oracle *o, uint64_t kind)
{
	for (uint32_t i = 0; i < o->kinds->via.map.size; i++)
		if (o->kinds->via.map.ptr[i].key.via.u64 == kind)
			return &o->kinds->via.map.ptr[i].val.via.array;
	return NULL;
}

static uint64_t oracle_value(struct oracle *o, const msgpack_object_str *field, const msgpack_object *v)
{
	if (field->ptr[field->size - 1] != '+')
		return v->via.u64;
	return (uint64_t)(*running_of(o, field) += v->via.i64);
}

static void oracle_alloc(struct oracle *o, const msgpack_object *row, const msgpack_object_array *fields)
{
	struct mt_event ev = {.kind = MT_ALLOC, .pid = (uint32_t)o->pid, .tid = (uint32_t)o->tid,
			      .time_ms = (uint64_t)o->time_ms, .weight = 1};

	ev.allocator = (uint8_t)row->via.array.ptr[0].via.u64;
	for (uint32_t i = 1; i < row->via.array.size; i++) {
		const msgpack_object_str *f = &fields->ptr[i].via.str;
		uint64_t v = oracle_value(o, f, &row->via.array.ptr[i]);
		if (is(f, "id+"))
			ev.id = (uint32_t)v;
		else if (is(f, "size"))
			ev.size = v;
		else if (is(f, "stack+"))
			ev.stack = (uint32_t)v;
		else
			ev.weight = v;
	}
	append(&o->events, &ev);
}

static void oracle_sync(struct oracle *o, const msgpack_object *row)
{
	memset(o->running, 0, sizeof o->running);
	o->syncs++;
	o->pid = row->via.array.ptr[1].via.i64;
	o->tid = row->via.array.ptr[2].via.i64;
	o->time_ms = row->via.array.ptr[3].via.i64;
	*running_of(o, &(msgpack_object_str){.ptr = "time_ms+", .size = 8}) = o->time_ms;
}

/* Takes what hot rows and context rows say; definitions only for their running values. */
static void oracle_take(struct oracle *o, const msgpack_object *row)
{
	if (row->type != MSGPACK_OBJECT_ARRAY) {
		append(&o->events, &(struct mt_event){
			.kind = MT_FREE, .pid = (uint32_t)o->pid, .tid = (uint32_t)o->tid,
			.time_ms = (uint64_t)o->time_ms,
			.id = (uint32_t)(*running_of(o, &(msgpack_object_str){.ptr = "id+", .size = 3}) += row->via.i64)});
		return;
	}
	const msgpack_object *items = row->via.array.ptr;
	const msgpack_object_array *fields = fields_of_kind(o, items[0].via.u64 > 14 && items[0].via.u64 < 32 ?
							    1 : items[0].via.u64);
	const msgpack_object_str *name = &fields->ptr[0].via.str;
	if (items[0].via.u64 < 32)
		oracle_alloc(o, row, fields);
	else if (is(name, "pid"))
		o->pid = items[1].via.i64;
	else if (is(name, "tid"))
		o->tid = items[1].via.i64;
	else if (is(name, "time"))
		o->time_ms = (int64_t)oracle_value(o, &fields->ptr[1].via.str, &items[1]);
	else if (is(name, "sync"))
		oracle_sync(o, row);
	else if (is(name, "end"))
		o->ended = true;
	else
		for (uint32_t i = 1; i < row->via.array.size; i++)
			oracle_value(o, &fields->ptr[i].via.str, &items[i]);
}

static const msgpack_object *map_value(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (is(&map->via.map.ptr[i].key.via.str, key))
			return &map->via.map.ptr[i].val;
	abort();
}

/* msgpack-c reads the rows, fed in pieces of odd sizes. How many objects there were. */
static size_t ask_oracle(struct oracle *o, struct bytes rows)
{
	msgpack_unpacker pac;
	msgpack_unpacked object, header;
	size_t at = 0, n = 0;

	msgpack_unpacker_init(&pac, 4096);
	msgpack_unpacked_init(&object);
	msgpack_unpacked_init(&header);
	while (at < rows.n) {
		size_t piece = 1 + below(5000);
		piece = piece < rows.n - at ? piece : rows.n - at;
		msgpack_unpacker_reserve_buffer(&pac, piece);
		memcpy(msgpack_unpacker_buffer(&pac), rows.p + at, piece);
		msgpack_unpacker_buffer_consumed(&pac, piece);
		at += piece;
		while (msgpack_unpacker_next(&pac, n == 0 ? &header : &object) == MSGPACK_UNPACK_SUCCESS) {
			if (n++ == 0)
				o->kinds = map_value(&header.data, "kinds");
			else
				oracle_take(o, &object.data);
		}
	}
	msgpack_unpacked_destroy(&object);
	msgpack_unpacked_destroy(&header);
	msgpack_unpacker_destroy(&pac);
	for (size_t i = 0; i < N(o->names); i++)
		free((char *)o->names[i]);
	return n;
}

/* Objects msgpack-c finds whole in n bytes. */
static size_t count_objects(const uint8_t *p, size_t n)
{
	size_t at = 0, count = 0;
	msgpack_unpacked u;

	msgpack_unpacked_init(&u);
	while (msgpack_unpack_next(&u, (const char *)p, n, &at) > 0)
		count++;
	msgpack_unpacked_destroy(&u);
	return count;
}

static struct events only(const struct events *all, enum mt_kind a, enum mt_kind b)
{
	struct events l = {0};

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].kind == a || all->v[i].kind == b)
			append(&l, &all->v[i]);
	return l;
}

/* ---------------------------------------------------------------- tests */

static struct events as_list(const struct mt_event *v, size_t n)
{
	struct events l = {0};

	for (size_t i = 0; i < n; i++)
		append(&l, &v[i]);
	return l;
}

static bool put_again_is_same(struct bytes packed)
{
	struct events l = read_bytes(packed.p, packed.n);
	struct bytes again = trace_of(l.v, l.n, MT_STORED), a = unpacked(packed), b = unpacked(again);
	bool r = a.n == b.n && memcmp(a.p, b.p, a.n) == 0;

	events_free(&l);
	free(again.p);
	free(a.p);
	free(b.p);
	return r;
}

static bool comes_back(const struct events *want, enum mt_packing packing)
{
	struct bytes b = trace_of(want->v, want->n, packing);
	struct events got = read_bytes(b.p, b.n);
	bool r = got.end == 0 && got.error == NULL && equal(&got, want) && put_again_is_same(b);

	events_free(&got);
	free(b.p);
	return r;
}

static void test_round_trip(const struct events *small, const struct events *big)
{
	CHECK("every kind with its extreme values comes back, compressed", comes_back(small, MT_COMPRESSED));
	CHECK("every kind with its extreme values comes back, stored", comes_back(small, MT_STORED));
	CHECK("a big trace comes back, compressed, and packs to the same rows again",
	      comes_back(big, MT_COMPRESSED));
	CHECK("a big trace comes back, stored, and packs to the same rows again", comes_back(big, MT_STORED));
}

static void test_oracle(const struct events *big)
{
	struct bytes packed = trace_of(big->v, big->n, MT_COMPRESSED), rows = unpacked(packed);
	struct oracle o = {0};
	struct events want = only(big, MT_ALLOC, MT_FREE), bare = read_bytes(rows.p, rows.n);
	size_t n = ask_oracle(&o, rows);

	CHECK("the big trace has a sync and many blocks", rows.n > (1u << 20) + (1u << 16) && o.syncs > 0);
	CHECK("msgpack-c reads every row, its running values give the same events",
	      n > big->n && o.ended && equal(&o.events, &want));
	CHECK("bare msgpack is read as LZ4 is", bare.end == 0 && equal(&bare, big));
	events_free(&want);
	events_free(&bare);
	events_free(&o.events);
	free(packed.p);
	free(rows.p);
}

/* Read what a child writes into a pipe, `step` bytes at a time. */
static struct events through_pipe(struct bytes b, size_t step)
{
	int fds[2];
	char path[32];

	if (pipe(fds) < 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		for (size_t at = 0; at < b.n; at += step)
			if (write(fds[1], b.p + at, step < b.n - at ? step : b.n - at) < 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	struct events l = read_path(path);
	close(fds[0]);
	waitpid(child, NULL, 0);
	return l;
}

static void test_pieces(const struct events *small, const struct events *middle)
{
	struct bytes b = trace_of(middle->v, middle->n, MT_COMPRESSED), rows = unpacked(b);
	struct bytes s = trace_of(small->v, small->n, MT_STORED);
	struct events one = through_pipe(b, 1), odd = through_pipe(rows, 777), three = through_pipe(s, 3);

	CHECK("a trace fed byte by byte is the same", one.end == 0 && equal(&one, middle));
	CHECK("bare rows fed in pieces of 777 bytes are the same", odd.end == 0 && equal(&odd, middle));
	CHECK("a stored trace fed three bytes at a time is the same", three.end == 0 && equal(&three, small));
	events_free(&one);
	events_free(&odd);
	events_free(&three);
	free(b.p);
	free(rows.p);
	free(s.p);
}

/* What a damaged trace must give: a prefix of what it was, an error in words; never more. */
static bool prefix_and_told(const struct events *got, const struct events *whole)
{
	return got->end < 0 && got->error != NULL && got->n <= whole->n && begins_alike(got, whole, got->n);
}

static void test_cuts(const struct events *small, const struct events *big)
{
	struct bytes packed = trace_of(small->v, small->n, MT_COMPRESSED);
	struct bytes stored = trace_of(small->v, small->n, MT_STORED), rows = unpacked(packed);
	struct bytes large = trace_of(big->v, big->n, MT_COMPRESSED);
	bool told = true, all = true, large_told = true;
	size_t most = 0;

	for (size_t n = 0; n < packed.n; n++) {
		struct events a = read_bytes(packed.p, n);
		told &= prefix_and_told(&a, small);
		events_free(&a);
	}
	for (size_t n = 0; n < stored.n; n++) {
		struct events a = read_bytes(stored.p, n);
		told &= prefix_and_told(&a, small);
		events_free(&a);
	}
	CHECK("cut at any length, a small trace gives its beginning and says so", told);
	for (size_t n = 1; n < rows.n; n++) {
		struct events a = read_bytes(rows.p, n);
		told &= prefix_and_told(&a, small);
		/* Context rows are objects but no events: count those of the whole rows before the cut. */
		size_t objects = count_objects(rows.p, n), context = 0, at = 0, size;
		for (size_t i = 0; i < objects; i++, at += size) {
			mp_measure(rows.p + at, rows.n - at, &size);
			context += (rows.p[at] & 0xf0) == 0x90 && rows.p[at + 1] >= 48 && rows.p[at + 1] <= 51;
		}
		all &= objects == 0 ? !a.opened : a.n == objects - 1 - context;
		events_free(&a);
	}
	CHECK("cut at any length, every row that is whole is an event", told && all);
	for (int i = 0; i < 200; i++) {
		size_t n = below(large.n);
		struct events a = read_bytes(large.p, n);
		large_told &= prefix_and_told(&a, big);
		most = a.n > most ? a.n : most;
		events_free(&a);
	}
	CHECK("cut at 200 random lengths, a big trace gives its beginning and says so",
	      large_told && most > big->n / 2);
	free(packed.p);
	free(stored.p);
	free(rows.p);
	free(large.p);
}

/* Flip bits; what came before the flip must be there. Whatever comes, it ends. */
static bool survives_flip(struct bytes b, const struct events *whole, bool checked)
{
	size_t bit = below(8 * b.n);

	b.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	struct events a = read_bytes(b.p, b.n);
	b.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	/* Block checksums find every flip; without them some flips make another valid trace. */
	bool good = (a.end < 0) == (a.error != NULL) && (!checked || a.n > whole->n || prefix_and_told(&a, whole) ||
							(a.end == 0 && equal(&a, whole)));
	events_free(&a);
	return good;
}

static void test_flips(const struct events *middle)
{
	struct bytes packed = trace_of(middle->v, middle->n, MT_COMPRESSED);
	struct bytes stored = trace_of(middle->v, middle->n, MT_STORED), rows = unpacked(packed);
	bool good = true;

	for (int i = 0; i < 800; i++)
		good &= survives_flip(packed, middle, true);
	CHECK("800 flipped bits in a compressed trace: a prefix comes out, and it is said", good);
	for (int i = 0; i < 600; i++)
		good &= survives_flip(stored, middle, false) && survives_flip(rows, middle, false);
	CHECK("1200 flipped bits in stored and bare traces: reading ends", good);
	free(packed.p);
	free(stored.p);
	free(rows.p);
}

static void test_damaged_block(const struct events *big)
{
	struct bytes b = trace_of(big->v, big->n, MT_COMPRESSED);

	b.p[b.n - 2000] ^= 0xff;
	struct events a = read_bytes(b.p, b.n);
	CHECK("a damage near the end of a compressed trace costs its last blocks only",
	      prefix_and_told(&a, big) && a.n > big->n / 10 * 9 && strstr(a.error, "damaged at byte ") != NULL);
	events_free(&a);

	b.p[b.n - 2000] ^= 0xff;
	b.p = realloc(b.p, b.n + 9);
	memcpy(b.p + b.n, "garbage!!", 9);
	a = read_bytes(b.p, b.n + 9);
	CHECK("garbage behind a trace is told, the trace is whole", equal(&a, big) && a.end < 0 &&
	      strstr(a.error, "no LZ4 frame") != NULL);
	events_free(&a);
	free(b.p);
}

/* Rows by hand behind a header that is right. */
static struct bytes rows_by_hand(const void *rows, size_t n)
{
	struct mt_header *h = some_header();
	struct bytes b = {malloc(h->raw_size + n), h->raw_size + n};

	memcpy(b.p, h->raw, h->raw_size);
	memcpy(b.p + h->raw_size, rows, n);
	mt_header_free(h);
	return b;
}

static struct events read_rows(const void *rows, size_t n)
{
	struct bytes b = rows_by_hand(rows, n);
	struct events l = read_bytes(b.p, b.n);

	free(b.p);
	return l;
}

#define ROWS(literal) read_rows(literal, sizeof literal - 1)

static bool refused(struct events l)
{
	bool r = l.opened && l.n == 0 && l.end < 0 && l.error != NULL && strstr(l.error, "damaged") != NULL;

	events_free(&l);
	return r;
}

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static bool deep_nesting_refused(void)
{
	size_t n = 1u << 20;
	uint8_t *p = malloc(n);

	memset(p, 0x91, n);
	bool r = refused(read_rows(p, n));
	free(p);
	return r;
}

static bool huge_map_refused(void)
{
	static const char map[] = "\xdf\xff\xff\xff\xff\xa6" "format\xa8" "memtrace";
	struct events l = read_bytes(map, sizeof map - 1);
	bool r = !l.opened && l.error != NULL;

	events_free(&l);
	return r;
}

/* Many small frames inside one header would be many objects to msgpack-c. */
static bool large_header_refused(void)
{
	size_t n = 15u << 20;
	uint8_t *p = calloc(1, n);

	p[0] = 0xdd;
	memcpy(p + 1, "\x00\xef\xff\xf0", 4);
	uint8_t *map = malloc(n + 3);
	memcpy(map, "\x81\xa1k", 3);
	memcpy(map + 3, p, n);
	struct events l = read_bytes(map, n + 3);
	bool r = !l.opened;
	events_free(&l);
	free(p);
	free(map);
	return r;
}

static void test_hostile(void)
{
	long before = peak_kib();

	CHECK("an array of 2^32-1 items is refused", refused(ROWS("\xdd\xff\xff\xff\xff\x01\x02")));
	CHECK("a text of 2^32-1 bytes is refused", refused(ROWS("\x93\x26\x01\xdb\xff\xff\xff\xff" "abc")));
	CHECK("a map inside a row of 2^32-1 pairs is refused", refused(ROWS("\x93\x24\x01\xdf\xff\xff\xff\xff")));
	CHECK("a million arrays inside one another are refused", deep_nesting_refused());
	CHECK("a header of 2^32-1 pairs is refused", huge_map_refused());
	CHECK("a header of 15 MiB is refused", large_header_refused());
	CHECK("all that took less than 128 MiB", peak_kib() - before < 128 << 10);

	CHECK("an unused byte is refused", refused(ROWS("\xc1")));
	CHECK("text between rows is refused", refused(ROWS("\xa3" "abc")));
	CHECK("an empty row is refused", refused(ROWS("\x90")));
	CHECK("a row of kind 0 is refused", refused(ROWS("\x92\x00\x01")));
	CHECK("a row whose kind is text is refused", refused(ROWS("\x92\xa1x\x01")));
	CHECK("an allocation with a missing field is refused", refused(ROWS("\x93\x01\x01\x01")));
	CHECK("an allocation with a field too many is refused", refused(ROWS("\x96\x01\x01\x01\x00\x01\x01")));
	CHECK("an allocation of negative size is refused", refused(ROWS("\x94\x01\x01\xff\x00")));
	CHECK("an allocation of weight 0 is refused", refused(ROWS("\x95\x01\x01\x01\x00\x00")));
	CHECK("an allocation from an undefined stack is refused", refused(ROWS("\x94\x01\x01\x01\x01")));
	CHECK("an id below 0 is refused", refused(ROWS("\xff")));
	CHECK("an id over 2^32-1 is refused", refused(ROWS("\xcf\x00\x00\x00\x01\x00\x00\x00\x00")));
	CHECK("a difference over 2^63-1 is refused", refused(ROWS("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")));
	CHECK("a frame of an undefined function is refused", refused(ROWS("\x94\x22\x01\x01\x01")));
	CHECK("a function that is not the next is refused",
	      refused(ROWS("\x97\x21\x02\x01\xa1" "f\xa1" "f\x01\xa0")));
	CHECK("a header in the middle without a format is refused", refused(ROWS("\x80")));
}

static bool undefined_refused_in_long_trace(void)
{
	char rows[200];

	memset(rows, 1, sizeof rows);	/* frees of 1, 2, 3, … */
	memcpy(rows + 50, "\x94\x01\x01\x01\x05", 5);
	struct events l = read_rows(rows, sizeof rows);
	bool r = l.n == 50 && l.end < 0 && strstr(l.error, "makes no sense") != NULL;

	events_free(&l);
	return r;
}

/* One free of id 5, one allocation, in every legal size of integer. */
static void test_other_encodings(void)
{
	struct events a = ROWS("\xcc\x05\xcd\x00\x00\xce\x00\x00\x00\x00\xcf\x00\x00\x00\x00\x00\x00\x00\x00"
			       "\xd0\xff\xd1\xff\xff\xd2\xff\xff\xff\xff\xd3\xff\xff\xff\xff\xff\xff\xff\xff");
	static const uint32_t ids[] = {5, 5, 5, 5, 4, 3, 2, 1};
	bool right = a.n == 8;

	for (size_t i = 0; i < 8 && right; i++)
		right = a.v[i].kind == MT_FREE && a.v[i].id == ids[i];
	CHECK("every encoding of an integer is read", right);
	events_free(&a);

	char wide[] = "\xdd\x00\x00\x00\x05\xcd\x00\x0a\xcf\x00\x00\x00\x00\x00\x00\x00\x09"
		      "\xd3\x00\x00\x00\x00\x00\x00\x00\x07\xd2\x00\x00\x00\x00\xcf\x00\x00\x00\x00\x00\x00\x00\x03"
		      "\xdc\x00\x03\x3f\x01\x00";
	a = read_rows(wide, sizeof wide - 1);
	CHECK("an allocation in the widest encoding is read, and counted by the end",
	      a.end == 0 && a.n == 2 && a.v[0].kind == MT_ALLOC && a.v[0].allocator == MT_MMAP &&
	      a.v[0].id == 9 && a.v[0].size == 7 && a.v[0].stack == 0 && a.v[0].weight == 3);
	events_free(&a);
	CHECK("what is wrong far from the end of the bytes is found too", undefined_refused_in_long_trace());
}

static void test_unknown_kinds(void)
{
	struct events a = ROWS("\x93\x2d\xa1x\x01\x92\xcd\xff\xff\xc0\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\x94\x1e\x01\x02\x00\x93\x3f\x01\x00");

	CHECK("rows of unknown kinds are handed out as they are, reserved allocators as allocations",
	      a.end == 0 && a.n == 5 && a.v[0].kind == MT_OTHER && a.v[1].kind == MT_OTHER &&
	      a.v[2].kind == MT_OTHER && a.v[1].info.n == 5 && a.v[3].kind == MT_ALLOC && a.v[3].allocator == 30);
	events_free(&a);
}

static void test_ends(void)
{
	struct events a = ROWS("\x94\x01\x01\x02\x00\x93\x3f\x03\x02");
	CHECK("an end that counts more tells what is missing", a.n == 1 && a.end < 0 &&
	      strstr(a.error, "2 allocations and 2 frees are missing") != NULL);
	events_free(&a);
	a = ROWS("\x01\x93\x3f\x00\x00");
	CHECK("an end that counts less is a damage", a.n == 1 && a.end < 0);
	events_free(&a);
	a = ROWS("\x01");
	CHECK("no end: it is cut off", a.n == 1 && a.end < 0 && strstr(a.error, "cut off after ") != NULL);
	events_free(&a);
	a = ROWS("\x93\x3f\x00\x00\x01");
	CHECK("rows behind the end are a damage", a.n == 1 && a.v[0].kind == MT_END && a.end < 0);
	events_free(&a);
}

static struct bytes joined(struct bytes a, const char *between, size_t n, struct bytes b)
{
	struct bytes c = {malloc(a.n + n + b.n), a.n + n + b.n};

	memcpy(c.p, a.p, a.n);
	memcpy(c.p + a.n, between, n);
	memcpy(c.p + a.n + n, b.p, b.n);
	return c;
}

/* a, then a header, then b. */
static bool is_both(const struct events *got, const struct events *a, const struct events *b)
{
	struct events tail = {.v = got->v + a->n + 1, .n = b->n};

	return got->n == a->n + 1 + b->n && begins_alike(got, a, a->n) && got->v[a->n].kind == MT_HEADER &&
	       equal(&tail, b);
}

static void test_joining(const struct events *small, const struct events *middle)
{
	struct bytes a = trace_of(middle->v, middle->n, MT_COMPRESSED), b = trace_of(small->v, small->n, MT_STORED);
	struct bytes ab = joined(a, "", 0, b), skip = joined(a, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11, b);
	struct events l = read_bytes(ab.p, ab.n);
	CHECK("traces joined end to end are read one after the other", l.end == 0 && is_both(&l, middle, small));
	events_free(&l);
	l = read_bytes(skip.p, skip.n);
	CHECK("skippable frames are skipped", l.end == 0 && is_both(&l, middle, small));
	events_free(&l);

	struct bytes unended = trace_of(middle->v, middle->n - 1, MT_STORED), cut = joined(unended, "", 0, b);
	struct events first = {.v = middle->v, .n = middle->n - 1};
	l = read_bytes(cut.p, cut.n);
	CHECK("a trace without end before another is cut off, both are used",
	      l.end < 0 && is_both(&l, &first, small) && strstr(l.error, "another trace begins") != NULL);
	events_free(&l);
	free(a.p);
	free(b.p);
	free(ab.p);
	free(skip.p);
	free(unended.p);
	free(cut.p);
}

static void save(const char *path, struct bytes b, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, b.p, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void test_files(const struct events *small, const struct events *middle)
{
	char dir[] = "/tmp/stream.XXXXXX";
	struct bytes a = trace_of(middle->v, middle->n, MT_COMPRESSED), b = trace_of(small->v, small->n, MT_STORED);
	const char *const paths[] = {"a", "cut", "missing", "empty", "b"};
	char *why = NULL;

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		abort();
	save("a", a, a.n);
	save("b", b, b.n);
	save("cut", b, b.n - 9);
	save("empty", b, 0);
	struct mt_in *in = mt_open(paths, 5, &why);
	struct events l = drain(in, NULL);
	CHECK("damaged and missing files do not stop those after them",
	      l.end < 0 && l.n > middle->n + small->n && same(&l.v[l.n - 1], &small->v[small->n - 1]) &&
	      strstr(l.error, "cut: cut off after") != NULL && strstr(l.error, "missing: cannot be opened") != NULL &&
	      strstr(l.error, "empty: empty: no trace") != NULL && strstr(l.error, "a: ") == NULL);
	events_free(&l);
	l = read_path("missing");
	CHECK("a file that is not there is told by mt_open()", !l.opened && strstr(l.error, "No such file") != NULL);
	events_free(&l);
	l = read_path("empty");
	CHECK("an empty file is told by mt_open()", !l.opened && strcmp(l.error, "empty: empty: no trace") == 0);
	events_free(&l);
	l = read_path(".");
	CHECK("a folder is told by mt_open()", !l.opened && strstr(l.error, "cannot be read") != NULL);
	events_free(&l);
	save("text", (struct bytes){(uint8_t *)"hello world, this is text", 25}, 25);
	l = read_path("text");
	CHECK("what is no trace is told by mt_open()",
	      !l.opened && strstr(l.error, "text: not a memory trace (memtrace)") == l.error);
	events_free(&l);
	for (size_t i = 0; i < 5; i++)
		unlink(paths[i]);
	unlink("text");
	if (chdir("/") < 0 || rmdir(dir) < 0)
		abort();
	free(a.p);
	free(b.p);
}

/* ---------------------------------------------------------------- headers */

static struct mt_header *parse(const char *raw, size_t n)
{
	const char *why = NULL;

	return mt_header_parse((const uint8_t *)raw, n, &why);
}

static void test_header(void)
{
	const char *const argv[] = {"-t", "two words", NULL};
	struct mt_header *h = some_header(), *more = mt_header_add_stage(h, "memtemp", "0.1.0", argv);

	CHECK("a header tells what it was made of", strcmp(h->command, "python3 'it'\\''s.py' '' -x") == 0 &&
	      h->start_ns == 1700 && h->python_allocators && !h->native && h->major == 1 && h->n_stages == 0);
	CHECK("a stage is appended", more->n_stages == 1 && mt_header_passed(more, "memtemp") &&
	      !mt_header_passed(h, "memtemp") && strcmp(more->stages[0].args, "-t 'two words'") == 0 &&
	      strcmp(more->command, h->command) == 0);
	mt_header_free(h);
	mt_header_free(more);

	static const char strange[] = "\x83\xa6" "format\xa8memtrace\xa3new\x92\xcb\x3f\xf8\0\0\0\0\0\0\xc4\x01\xff"
				      "\xa7version\x92\x01\x09";
	h = parse(strange, sizeof strange - 1);
	more = mt_header_add_stage(h, "x", "1", (const char *const[]){NULL});
	CHECK("keys that are not known are kept", h != NULL && h->minor == 9 && more->n_stages == 1 &&
	      memcmp(more->raw + 1, h->raw + 1, h->raw_size - 1) == 0);
	mt_header_free(h);
	mt_header_free(more);

	static const char newer[] = "\x82\xa6" "format\xa8memtrace\xa7version\x92\x02\x00";
	struct events l = read_bytes(newer, sizeof newer - 1);
	CHECK("a newer major version is refused in one line", !l.opened && strcmp(l.error,
	      "memory: memtrace version 2.0 is newer than this program reads (1.x): use a newer memrec") == 0);
	events_free(&l);

	struct mt_header_options options = {.command = (const char *const[]){"a\xff" "b", NULL}};
	h = mt_header_new(&options);
	CHECK("arguments that are not UTF-8 are made so", strcmp(h->command, "'a\xef\xbf\xbd" "b'") == 0);
	mt_header_free(h);
}

static void test_info(void)
{
	struct mt_str info = TEXT("\x84\x01\xa1n\xa6python\xa4" "3.11\xa4ppid\xcd\x01\x00\xa3neg\xd0\x80");

	CHECK("info maps are read by key", same_text(mt_info_text(info, "python"), (struct mt_str)TEXT("3.11")) &&
	      mt_info_int(info, "ppid", -1) == 256 && mt_info_int(info, "neg", 0) == -128);
	CHECK("what is not in an info map is absent", mt_info_text(info, "none").n == 0 &&
	      mt_info_int(info, "python", 5) == 5 && mt_info_text((struct mt_str){"\xdf\xff", 2}, "k").n == 0 &&
	      mt_info_text((struct mt_str){NULL, 0}, "k").n == 0);
	CHECK("allocators have names, and names allocators",
	      strcmp(mt_allocator_name(MT_PYMALLOC_REALLOC), "pymalloc_realloc") == 0 &&
	      strcmp(mt_allocator_name(15), "?") == 0 && strcmp(mt_allocator_name(0), "?") == 0 &&
	      mt_allocator_of("mmap", 4) == MT_MMAP && mt_allocator_of("mma", 3) == 0);
}

/* ---------------------------------------------------------------- the writer alone */

static void test_writer_failure(const struct events *big)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct mt_out *out = mt_create(fd, "t.lz4", MT_STORED);
	struct mt_header *h = some_header();
	char *why = NULL;
	size_t i = 0;

	CHECK("nothing is written by the header alone", mt_put_header(out, h) == 0 && mt_out_bytes(out) == 0);
	while (i < big->n && mt_put(out, &big->v[i]) == 0)
		i++;
	CHECK("a full disk is noticed at the first block, and sticks",
	      i < 60000 && mt_put(out, &big->v[0]) < 0 && mt_flush(out) < 0 && mt_out_errno(out) == ENOSPC &&
	      strcmp(mt_out_error(out), "t.lz4: cannot be written: No space left on device") == 0);
	CHECK("a full disk is told by mt_close()", mt_close(out, &why) < 0 && strstr(why, "No space") != NULL);
	free(why);
	mt_header_free(h);
	close(fd);
}

static void test_flush(const struct events *small)
{
	int fds[2];

	if (pipe(fds) < 0)
		abort();
	struct mt_out *out = mt_create(fds[1], "pipe", MT_AUTO);
	struct mt_header *h = some_header();
	char path[32], *why = NULL;
	struct mt_event ev;
	int r = mt_put_header(out, h) | mt_flush(out);
	snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	const char *p = path;
	struct mt_in *in = mt_open(&p, 1, &why);
	bool each = r == 0 && in != NULL;
	for (size_t i = 0; i < small->n && each; i++)
		each = mt_put(out, &small->v[i]) == 0 && mt_flush(out) == 0 && mt_next(in, &ev) > 0 &&
		       same(&ev, &small->v[i]);
	CHECK("what was flushed can be read at once", each);
	uint64_t bytes = mt_out_bytes(out);
	CHECK("a flush of nothing writes nothing", mt_flush(out) == 0 && mt_out_bytes(out) == bytes);
	CHECK("the end is the end", mt_close(out, NULL) == 0 && close(fds[1]) == 0 && mt_next(in, &ev) == 0);
	mt_close_in(in);
	mt_header_free(h);
	close(fds[0]);
}

static void count_call(void *arg)
{
	++*(int *)arg;
}

static void test_idle(const struct events *small)
{
	struct bytes b = trace_of(small->v, small->n, MT_STORED);
	int fds[2], calls = 0;
	char path[32], *why = NULL;
	struct mt_event ev;

	if (pipe(fds) < 0 || write(fds[1], b.p, b.n - 20) < 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		usleep(400000);
		_exit(write(fds[1], b.p + b.n - 20, 20) != 20);
	}
	close(fds[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	const char *p = path;
	struct mt_in *in = mt_open(&p, 1, &why);
	mt_in_on_idle(in, count_call, &calls);
	size_t n = 0;
	while (mt_next(in, &ev) > 0)
		n++;
	CHECK("a pause of the input is told once", calls == 1 && n == small->n);
	waitpid(child, NULL, 0);
	mt_close_in(in);
	close(fds[0]);
	free(b.p);
}

static void test_empty_output(void)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "empty", MT_AUTO);

	CHECK("a writer that was given nothing writes nothing", mt_close(out, NULL) == 0 &&
	      lseek(fd, 0, SEEK_END) == 0);
	close(fd);
}

static void test_stage_of_every_header(const struct events *small)
{
	int fd = memfd_create("staged", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "staged", MT_AUTO);
	struct mt_header *h = some_header();
	struct mt_event header = {.kind = MT_HEADER, .info = {(const char *)h->raw, h->raw_size}}, ev;
	char *why = NULL;

	mt_out_stage(out, "memx", "1", (const char *const[]){"-a", NULL});
	int r = mt_put_header(out, h) | mt_put(out, &small->v[small->n - 1]) | mt_put(out, &header) |
		mt_put(out, &small->v[small->n - 1]);
	r |= mt_close(out, NULL);
	struct bytes b = file_bytes(fd);
	struct mt_in *in = mt_open_memory(b.p, b.n, &why);
	bool first = mt_header_passed(mt_in_header(in), "memx");
	r |= mt_next(in, &ev) != 1 || mt_next(in, &ev) != 1 || ev.kind != MT_HEADER;
	CHECK("every header put gets the stage", r == 0 && first && mt_header_passed(mt_in_header(in), "memx") &&
	      mt_in_header(in)->n_stages == 1);
	mt_close_in(in);
	mt_header_free(h);
	free(b.p);
	close(fd);
}

int main(void)
{
	struct events small = as_list(all_kinds, N(all_kinds)), middle = random_events(20000);
	struct events big = random_events(300000);

	test_hostile();		/* first: it looks at the largest memory so far */
	test_round_trip(&small, &big);
	test_oracle(&big);
	test_pieces(&small, &middle);
	test_cuts(&small, &big);
	test_flips(&middle);
	test_damaged_block(&big);
	test_other_encodings();
	test_unknown_kinds();
	test_ends();
	test_joining(&small, &middle);
	test_files(&small, &middle);
	test_header();
	test_info();
	test_writer_failure(&big);
	test_flush(&small);
	test_idle(&small);
	test_empty_output();
	test_stage_of_every_header(&small);
	events_free(&small);
	events_free(&middle);
	events_free(&big);
	return check_done();
}
