/*
 * writer.c - write events as a trace's rows
 *
 * Rows are packed into a buffer of one block and a little more. `limit` is the
 * place where the next block is full or the next sync is due, so the hot path
 * needs one comparison. Whether a sync is due depends only on the number of
 * bytes since the last one: the same events always give the same bytes.
 *
 * A row of stacks is open until another row follows it: the next stack, if its
 * parent is the last one, is appended to the row as one more item. Buffering must
 * not affect that either, so an open row stays in the buffer at a flush.
 */
#include "memtrace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes_out.h"
#include "mp.h"
#include "rows.h"

#define SYNC_EVERY (1u << 20)	/* bytes of rows */
#define SLACK 256		/* more than one row of numbers with its context */
#define MAX_ITEMS 15		/* of a row of stacks: its head stays one byte */

struct mt_out {
	uint8_t *p, *limit;		/* the next row goes to p; at limit a block is full or a sync is due */
	/* the last row of stacks, if it is in the buffer (else stacks_end is NULL); open if nothing follows it */
	uint8_t *stacks, *stacks_end;
	struct running run;
	uint32_t pid, tid;		/* context */
	uint64_t allocs, frees;		/* since the header */
	bool failed;
	uint64_t given;			/* bytes of rows that have left the buffer */
	uint64_t mark;			/* bytes of rows at the last header or sync */
	struct bytes_out bytes;
	char *name;
	char *error;
	struct mt_stage_options stage;	/* to be appended to headers; none if its program is NULL */
	uint8_t buffer[BLOCK_SIZE + SLACK];
};

/* ---------------------------------------------------------------- the buffer */

static int fail(struct mt_out *out, int error)
{
	out->failed = true;
	if (out->bytes.error == 0)
		out->bytes.error = error;
	out->p = out->buffer;
	out->stacks_end = NULL;
	if (out->error == NULL &&
	    asprintf(&out->error, "%s: cannot write: %s", out->name, strerror(out->bytes.error)) < 0)
		out->error = NULL;
	return -1;
}

static uint64_t rows_size(const struct mt_out *out)
{
	return out->given + (uint64_t)(out->p - out->buffer);
}

static void set_limit(struct mt_out *out)
{
	uint64_t sync_at = out->mark + SYNC_EVERY - out->given;

	if (out->mark + SYNC_EVERY <= out->given)
		sync_at = 0;
	out->limit = out->buffer + (sync_at < BLOCK_SIZE ? sync_at : BLOCK_SIZE);
}

static bool stacks_open(const struct mt_out *out)
{
	return out->p == out->stacks_end;
}

/* Writes the first n bytes of the buffer as a block. */
static void give(struct mt_out *out, size_t n)
{
	if (out->stacks_end != NULL && out->stacks >= out->buffer + n) {
		out->stacks -= n;
		out->stacks_end -= n;
	} else {
		out->stacks_end = NULL;
	}
	if (!out->failed && bytes_out_block(&out->bytes, out->buffer, n) < 0)
		fail(out, EIO);
	size_t rest = out->failed ? 0 : (size_t)(out->p - out->buffer) - n;
	if (rest > 0)
		memmove(out->buffer, out->buffer + n, rest);
	out->p = out->buffer + rest;
	out->given += n;
	set_limit(out);
}

static void give_full(struct mt_out *out)
{
	if (out->p >= out->buffer + BLOCK_SIZE)
		give(out, BLOCK_SIZE);
}

/* Appends n bytes, however many. */
static void add(struct mt_out *out, const void *bytes, size_t n)
{
	const char *from = bytes;

	while (n > 0) {
		size_t space = (size_t)(out->buffer + BLOCK_SIZE + SLACK - out->p);
		size_t part = n < space ? n : space;
		memcpy(out->p, from, part);
		out->p += part;
		from += part;
		n -= part;
		give_full(out);
	}
}

static void add_text(struct mt_out *out, struct mt_str s)
{
	give_full(out);
	out->p = mp_put_text_head(out->p, (uint32_t)s.n);
	add(out, s.p, s.n);
}

/* Appends the head of a row of n items. There is room for the row's numbers too. */
static void begin_row(struct mt_out *out, unsigned n, unsigned kind)
{
	give_full(out);
	*out->p++ = (uint8_t)(0x90 | n);
	*out->p++ = (uint8_t)kind;
}

static void add_number(struct mt_out *out, uint64_t value)
{
	out->p = mp_put_uint(out->p, value);
}

static uint8_t *put_running(uint8_t *p, uint64_t *run, uint64_t value)
{
	int64_t difference = (int64_t)(value - *run);

	*run = value;
	return mp_put_int(p, difference);
}

static void add_running(struct mt_out *out, uint64_t *run, uint64_t value)
{
	out->p = put_running(out->p, run, value);
}

/* ---------------------------------------------------------------- context */

static void sync_row(struct mt_out *out, uint32_t pid, uint32_t tid, uint64_t time_ms)
{
	begin_row(out, 4, ROW_SYNC);
	add_number(out, pid);
	add_number(out, tid);
	add_number(out, time_ms);
	out->run = (struct running){ .time_ms = time_ms };
	out->pid = pid;
	out->tid = tid;
	out->mark = rows_size(out);
	set_limit(out);
}

/*
 * Writes the context rows that the next event needs: those that changed, or a sync
 * if one is due. Kept out of mt_put(), which then has no registers to save.
 */
static __attribute__((noinline)) void context(struct mt_out *out, uint32_t pid, uint32_t tid,
					      uint64_t time_ms)
{
	give_full(out);
	if (rows_size(out) - out->mark >= SYNC_EVERY) {
		sync_row(out, pid, tid, time_ms);
		return;
	}
	if (pid != out->pid) {
		begin_row(out, 2, ROW_PID);
		add_number(out, pid);
		out->pid = pid;
	}
	if (tid != out->tid) {
		begin_row(out, 2, ROW_TID);
		add_number(out, tid);
		out->tid = tid;
	}
	if (time_ms != out->run.time_ms) {
		begin_row(out, 2, ROW_TIME);
		add_running(out, &out->run.time_ms, time_ms);
	}
}

static inline void hot_context(struct mt_out *out, const struct mt_event *ev)
{
	if (__builtin_expect(out->p >= out->limit || ev->pid != out->pid || ev->tid != out->tid ||
			     ev->time_ms != out->run.time_ms, 0))
		context(out, ev->pid, ev->tid, ev->time_ms);
}

/* ---------------------------------------------------------------- events */

/* Omits trailing fields with their implied values; an allocation with nothing but a size is a bare integer. */
static inline void put_alloc(struct mt_out *out, const struct mt_event *ev)
{
	hot_context(out, ev);
	uint8_t *p = out->p;
	int64_t stack = (int64_t)(ev->stack - out->run.stack), id = (int64_t)(ev->id - out->run.id);
	out->run.stack = ev->stack;
	out->run.live = out->run.id = ev->id;
	out->allocs++;
	if (stack == 0 && id == 1 && ev->weight == 1 && ev->allocator == out->run.allocator &&
	    ev->size <= INT64_MAX) {
		out->p = mp_put_uint(p, ev->size);
		return;
	}
	out->run.allocator = ev->allocator;
	unsigned items = ev->weight != 1 ? 5 : id != 1 ? 4 : stack != 0 ? 3 : 2;
	*p++ = (uint8_t)(0x90 | items);
	*p++ = ev->allocator;
	p = mp_put_uint(p, ev->size);
	if (items > 2)
		p = mp_put_int(p, stack);
	if (items > 3)
		p = mp_put_int(p, id);
	if (items > 4)
		p = mp_put_uint(p, ev->weight);
	out->p = p;
}

static inline void put_free(struct mt_out *out, const struct mt_event *ev)
{
	hot_context(out, ev);
	out->p = mp_put_int(out->p, row_of_free((int64_t)(ev->id - out->run.live)));
	out->run.live = ev->id;
	out->frees++;
}

static void put_stack(struct mt_out *out, const struct mt_event *ev)
{
	if (stacks_open(out) && ev->parent == out->run.stack && (*out->stacks & 15) < MAX_ITEMS) {
		++*out->stacks;
		out->run.parent = ev->parent;
	} else {
		begin_row(out, 3, ROW_STACK);
		out->stacks = out->p - 2;
		add_running(out, &out->run.parent, ev->parent);
	}
	add_running(out, &out->run.frame, ev->frame);
	out->run.stack = ev->stack;
	out->stacks_end = out->p;
}

static void add_object(struct mt_out *out, struct mt_str o)
{
	static const struct mt_str empty_map = { "\x80", 1 };

	if (o.n == 0)
		o = empty_map;
	add(out, o.p, o.n);
}

static void put_field(struct mt_out *out, const struct row_field *f, const struct mt_event *ev)
{
	uint64_t *run = row_base(f, &out->run);

	switch (f->type) {
	case FIELD_TEXT:
		add_text(out, *row_text(f, (struct mt_event *)ev));
		break;
	case FIELD_OBJECT:
		add_object(out, *row_text(f, (struct mt_event *)ev));
		break;
	case FIELD_NEW:
		*(ev->kind == MT_FUNCTION ? &out->run.function : &out->run.frame) = row_number(f, ev);
		break;
	default:
		if (run != NULL)
			add_running(out, run, row_number(f, ev));
		else
			add_number(out, row_number(f, ev));
	}
}

/* Writes an event by the table of kinds, after the context that it takes. */
static void put_event(struct mt_out *out, const struct mt_event *ev)
{
	const struct row_kind *k = row_of_event(ev->kind);

	if (k->context != 0)
		context(out, k->context & ROW_TAKES_PID ? ev->pid : out->pid,
			k->context & ROW_TAKES_TID ? ev->tid : out->tid,
			k->context & ROW_TAKES_TIME ? ev->time_ms : out->run.time_ms);
	begin_row(out, k->items, k->row);
	for (const struct row_field *f = k->fields; f < k->fields + k->n_fields; f++)
		put_field(out, f, ev);
}

static void put_end(struct mt_out *out, const struct mt_event *ev)
{
	context(out, out->pid, out->tid, ev->time_ms);
	begin_row(out, 3, ROW_END);
	add_number(out, out->allocs);
	add_number(out, out->frees);
}

static int put_raw_header(struct mt_out *out, const struct mt_header *h)
{
	give_full(out);
	add(out, h->raw, h->raw_size);
	out->run = (struct running){ 0 };
	out->pid = out->tid = 0;
	out->allocs = out->frees = 0;
	out->mark = rows_size(out);
	set_limit(out);
	return out->failed ? -1 : 0;
}

int mt_put_header(struct mt_out *out, const struct mt_header *h)
{
	if (out->failed)
		return -1;
	if (out->stage.program == NULL)
		return put_raw_header(out, h);
	struct mt_header *more = mt_header_add_stage(h, &out->stage);
	if (more == NULL)
		return fail(out, ENOMEM);
	int r = put_raw_header(out, more);
	mt_header_free(more);
	return r;
}

static int put_header_event(struct mt_out *out, const struct mt_event *ev)
{
	const char *why;
	struct mt_header *h = mt_header_parse((const uint8_t *)ev->info.p, ev->info.n, &why);

	if (h == NULL)
		return fail(out, EINVAL);
	int r = mt_put_header(out, h);
	mt_header_free(h);
	return r;
}

static __attribute__((noinline)) int put_other(struct mt_out *out, const struct mt_event *ev)
{
	switch (ev->kind) {
	case MT_STACK:
		put_stack(out, ev);
		break;
	case MT_HEADER:
		return put_header_event(out, ev);
	case MT_END:
		put_end(out, ev);
		break;
	case MT_OTHER:
		add(out, ev->info.p, ev->info.n);
		break;
	default:
		put_event(out, ev);
		break;
	}
	return out->failed ? -1 : 0;
}

int mt_put(struct mt_out *out, const struct mt_event *ev)
{
	if (out->failed)
		return -1;
	if (ev->kind == MT_ALLOC)
		put_alloc(out, ev);
	else if (ev->kind == MT_FREE)
		put_free(out, ev);
	else
		return put_other(out, ev);
	return out->failed ? -1 : 0;
}

/* ---------------------------------------------------------------- opening and closing */

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool wants_compression(int fd, enum mt_packing packing)
{
	return packing == MT_COMPRESSED || (packing == MT_AUTO && is_regular(fd));
}

struct mt_out *mt_create(int fd, const char *name, enum mt_packing packing)
{
	struct mt_out *out = calloc(1, sizeof *out);

	if (out == NULL)
		return NULL;
	out->name = strdup(name);
	if (bytes_out_init(&out->bytes, fd, wants_compression(fd, packing)) < 0 || out->name == NULL) {
		bytes_out_clear(&out->bytes);
		free(out->name);
		free(out);
		return NULL;
	}
	out->p = out->buffer;
	set_limit(out);
	return out;
}

void mt_out_packing(struct mt_out *out, enum mt_packing packing)
{
	out->bytes.compressed = wants_compression(out->bytes.fd, packing);
}

void mt_out_stage(struct mt_out *out, const struct mt_stage_options *stage)
{
	out->stage = *stage;
}

/* Writes the buffer up to `end`, which may be more than a block. */
static int flush_to(struct mt_out *out, const uint8_t *end)
{
	size_t n = (size_t)(end - out->buffer), first = n < BLOCK_SIZE ? n : BLOCK_SIZE;

	give(out, first);
	if (n > first && !out->failed)
		give(out, n - first);
	return out->failed ? -1 : 0;
}

int mt_flush(struct mt_out *out)
{
	return flush_to(out, stacks_open(out) ? out->stacks : out->p);
}

uint64_t mt_out_bytes(const struct mt_out *out)
{
	return out->bytes.written;
}

const char *mt_out_error(const struct mt_out *out)
{
	return out->error != NULL ? out->error : out->failed ? "out of memory" : NULL;
}

int mt_out_errno(const struct mt_out *out)
{
	return out->bytes.error;
}

int mt_close(struct mt_out *out, char **why)
{
	if (flush_to(out, out->p) == 0 && bytes_out_end(&out->bytes) < 0)
		fail(out, EIO);
	int r = out->failed ? -1 : 0;
	if (why != NULL)
		*why = r < 0 ? strdup(mt_out_error(out)) : NULL;
	bytes_out_clear(&out->bytes);
	free(out->name);
	free(out->error);
	free(out);
	return r;
}
