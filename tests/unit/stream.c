/*
 * stream.c - events written to a trace are read back, by our reader and by another one
 */
#include <msgpack.h>

#include "rows.h"
#include "stream.h"

/* ---------------------------------------------------------------- a second opinion */

/* An independent reader, using msgpack-c's objects and the fields' names in the header. */
struct oracle {
	const msgpack_object *kinds;
	int64_t running[16];
	const char *names[16];
	int64_t pid, tid, time_ms;
	int64_t n_functions, n_frames, n_stacks;
	uint8_t allocator;		/* of the last allocation */
	struct events events, stacks;
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

static int64_t *running(struct oracle *o, const char *field)
{
	return running_of(o, &(msgpack_object_str){ .ptr = field, .size = (uint32_t)strlen(field) });
}

/* items: the size, and the fields that are not omitted. */
static void oracle_alloc(struct oracle *o, uint8_t allocator, const msgpack_object *items, uint32_t n)
{
	const msgpack_object_array *fields = fields_of_kind(o, 1);
	struct mt_event ev = { .kind = MT_ALLOC, .allocator = allocator, .pid = (uint32_t)o->pid,
			      .tid = (uint32_t)o->tid, .time_ms = (uint64_t)o->time_ms,
			      .stack = (uint32_t)*running(o, "stack+"), .weight = 1 };

	for (uint32_t i = 0; i < n; i++) {
		const msgpack_object_str *f = &fields->ptr[i + 1].via.str;
		uint64_t v = oracle_value(o, f, &items[i]);
		if (is(f, "size"))
			ev.size = v;
		else if (is(f, "stack+"))
			ev.stack = (uint32_t)v;
		else if (is(f, "weight"))
			ev.weight = v;
	}
	*running(o, "id+") += n < 3;
	*running(o, "live+") = ev.id = (uint32_t)*running(o, "id+");
	o->allocator = allocator;
	append(&o->events, &ev);
}

static void oracle_free(struct oracle *o, int64_t row)
{
	int64_t n = -1 - row;

	*running(o, "live+") += n % 2 ? -(n + 1) / 2 : n / 2;
	append(&o->events, &(struct mt_event){ .kind = MT_FREE, .pid = (uint32_t)o->pid, .tid = (uint32_t)o->tid,
					      .time_ms = (uint64_t)o->time_ms, .id = (uint32_t)*running(o, "live+") });
}

/* The number it defines is the next one, and becomes the running value. */
static void oracle_number(struct oracle *o, const char *field, int64_t *n_defined)
{
	*running(o, field) = ++*n_defined;
}

static void oracle_stacks(struct oracle *o, const msgpack_object_array *row)
{
	*running(o, "parent+") += row->ptr[1].via.i64;

	for (uint32_t i = 2; i < row->size; i++) {
		if (i > 2)
			*running(o, "parent+") = o->n_stacks;
		*running(o, "frame+") += row->ptr[i].via.i64;
		oracle_number(o, "stack+", &o->n_stacks);
		append(&o->stacks, &(struct mt_event){ .kind = MT_STACK, .stack = (uint32_t)o->n_stacks,
						      .parent = (uint32_t)*running(o, "parent+"),
						      .frame = (uint32_t)*running(o, "frame+") });
	}
}

static void oracle_sync(struct oracle *o, const msgpack_object *row)
{
	memset(o->running, 0, sizeof o->running);
	o->syncs++;
	o->pid = row->via.array.ptr[1].via.i64;
	o->tid = row->via.array.ptr[2].via.i64;
	o->time_ms = row->via.array.ptr[3].via.i64;
	*running(o, "time_ms+") = o->time_ms;
	o->allocator = 0;
}

/* Reads allocations, frees, stacks and context; of other rows only the running values. */
static void oracle_take(struct oracle *o, const msgpack_object *row)
{
	if (row->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
		oracle_free(o, row->via.i64);
		return;
	}
	if (row->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
		oracle_alloc(o, o->allocator, row, 1);
		return;
	}
	const msgpack_object *items = row->via.array.ptr;
	if (items[0].via.u64 < 32) {
		oracle_alloc(o, (uint8_t)items[0].via.u64, items + 1, row->via.array.size - 1);
		return;
	}
	const msgpack_object_array *fields = fields_of_kind(o, items[0].via.u64);
	const msgpack_object_str *name = &fields->ptr[0].via.str;
	if (is(name, "stack")) {
		oracle_stacks(o, &row->via.array);
		return;
	}
	if (is(name, "sync")) {
		oracle_sync(o, row);
		return;
	}
	for (uint32_t i = 1; i < row->via.array.size; i++)
		oracle_value(o, &fields->ptr[i].via.str, &items[i]);
	if (is(name, "pid"))
		o->pid = items[1].via.i64;
	else if (is(name, "tid"))
		o->tid = items[1].via.i64;
	else if (is(name, "time"))
		o->time_ms = *running(o, "time_ms+");
	else if (is(name, "function"))
		oracle_number(o, "function+", &o->n_functions);
	else if (is(name, "frame"))
		oracle_number(o, "frame+", &o->n_frames);
	else if (is(name, "end"))
		o->ended = true;
}

static const msgpack_object *map_value(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (is(&map->via.map.ptr[i].key.via.str, key))
			return &map->via.map.ptr[i].val;
	abort();
}

/* Feeds the rows to msgpack-c in pieces of odd sizes; returns the number of objects. */
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

static struct events only(const struct events *all, enum mt_kind a, enum mt_kind b)
{
	struct events l = { 0 };

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].kind == a || all->v[i].kind == b)
			append(&l, &all->v[i]);
	return l;
}

/* ---------------------------------------------------------------- tests */

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
	CHECK("every kind with extreme values is read back, compressed", comes_back(small, MT_COMPRESSED));
	CHECK("every kind with extreme values is read back, stored", comes_back(small, MT_STORED));
	CHECK("a big trace is read back, compressed, and written to the same rows again",
	      comes_back(big, MT_COMPRESSED));
	CHECK("a big trace is read back, stored, and written to the same rows again", comes_back(big, MT_STORED));
}

/* All other fields of the second have the values that the shortest form implies. */
static void test_weight(void)
{
	struct mt_event twice[] = {
		{ .kind = MT_ALLOC, .allocator = MT_MALLOC, .id = 1, .size = 8, .weight = 1 },
		{ .kind = MT_ALLOC, .allocator = MT_MALLOC, .id = 2, .size = 8, .weight = 7 },
		{ .kind = MT_ALLOC, .allocator = MT_MALLOC, .id = 3, .size = 8, .weight = 1 },
		{ .kind = MT_END },
	};
	struct events l = as_list(twice, N(twice));

	CHECK("an allocation that differs from the last only in its weight keeps it", comes_back(&l, MT_STORED));
	events_free(&l);
}

static void test_oracle(const struct events *big)
{
	struct bytes packed = trace_of(big->v, big->n, MT_COMPRESSED), rows = unpacked(packed);
	struct oracle o = { 0 };
	struct events want = only(big, MT_ALLOC, MT_FREE), stacks = only(big, MT_STACK, MT_STACK);
	struct events bare = read_bytes(rows.p, rows.n);
	size_t n = ask_oracle(&o, rows);

	CHECK("the big trace has a sync and many blocks", rows.n > (1u << 20) + (1u << 16) && o.syncs > 0);
	CHECK("msgpack-c reads every row, and its running values give the same events",
	      n > big->n / 2 && o.ended && equal(&o.events, &want) && equal(&o.stacks, &stacks));
	CHECK("several stacks share a row, and a chain of forty needs more than one", n < big->n && o.n_stacks > 10000);
	CHECK("bare msgpack is read like LZ4", bare.end == 0 && equal(&bare, big));
	events_free(&want);
	events_free(&bare);
	events_free(&stacks);
	events_free(&o.events);
	events_free(&o.stacks);
	free(packed.p);
	free(rows.p);
}

/* Reads a trace that a child writes to a pipe, `step` bytes at a time. */
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

/* ---------------------------------------------------------------- every kind of the table */

/* The first event of a kind has the largest values allowed, the second random ones. */
static struct mt_event event_of(const struct row_kind *k, unsigned nth)
{
	struct mt_event ev = { .kind = k->event, .weight = 1 };

	ev.pid = k->context & ROW_TAKES_PID ? (uint32_t)below(9) : 0;
	ev.tid = k->context & ROW_TAKES_TID ? (uint32_t)below(9) : 0;
	ev.time_ms = k->context & ROW_TAKES_TIME ? below(9) : 0;
	for (unsigned i = 0; i < k->n_fields; i++) {
		const struct row_field *f = &k->fields[i];
		if (f->type == FIELD_TEXT)
			*row_text(f, &ev) = (struct mt_str){ "text", nth == 0 ? 0 : below(5) };
		else if (f->type == FIELD_OBJECT)
			*row_text(f, &ev) = (struct mt_str)TEXT("\x81\xa1k\x07");
		else if (f->type == FIELD_NEW || f->type == FIELD_DEFINED)
			row_set_number(f, &ev, f->type == FIELD_NEW ? nth + 1 : 1);
		else
			row_set_number(f, &ev, nth == 0 ? f->largest : below(f->largest));
	}
	return ev;
}

/* Two events of each kind, except those with consecutive numbers, which are tested elsewhere. */
static struct events every_kind(void)
{
	struct events l = { 0 };

	for (unsigned row = ROW_FIRST_EVENT; row < ROW_PID; row++)
		for (unsigned nth = 0; nth < 2 && row_kinds[row].name != NULL && row != ROW_STACK; nth++) {
			struct mt_event ev = event_of(&row_kinds[row], nth);
			append(&l, &ev);
		}
	append(&l, &(struct mt_event){ .kind = MT_END });
	return l;
}

static bool same_fields(const struct mt_event *a, const struct mt_event *b)
{
	const struct row_kind *k = row_of_event(a->kind);

	if (a->kind != b->kind || !same_context(a, b))
		return false;
	for (unsigned i = 0; i < k->n_fields; i++) {
		const struct row_field *f = &k->fields[i];
		bool text = f->type == FIELD_TEXT || f->type == FIELD_OBJECT;
		if (f->type == FIELD_COUNTED)
			continue;
		if (text ? !same_text(*row_text(f, (struct mt_event *)a), *row_text(f, (struct mt_event *)b))
			 : row_number(f, a) != row_number(f, b))
			return false;
	}
	return true;
}

static void test_table(void)
{
	struct events l = every_kind();
	struct bytes b = trace_of(l.v, l.n, MT_STORED);
	struct events back = read_bytes(b.p, b.n);
	bool alike = back.end == 0 && back.n == l.n && l.n > 20;

	for (size_t i = 0; i < l.n && alike; i++)
		alike = same_fields(&l.v[i], &back.v[i]);
	CHECK("every kind of the table is read back with every field", alike);
	events_free(&l);
	events_free(&back);
	free(b.p);
}

/* --every-kind: writes that trace to standard output, for tests of programs that read traces. */
static int print_every_kind(void)
{
	struct events l = every_kind();
	struct bytes b = trace_of(l.v, l.n, MT_STORED);
	bool written = write(STDOUT_FILENO, b.p, b.n) == (ssize_t)b.n;

	events_free(&l);
	free(b.p);
	return !written;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--every-kind") == 0)
		return print_every_kind();
	test_table();
	struct events small = as_list(all_kinds, N(all_kinds)), middle = random_events(20000);
	struct events big = random_events(300000);

	test_round_trip(&small, &big);
	test_weight();
	test_oracle(&big);
	test_pieces(&small, &middle);
	events_free(&small);
	events_free(&middle);
	events_free(&big);
	return check_done();
}
