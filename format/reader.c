/*
 * reader.c - read a trace's rows as events with absolute values
 *
 * Nearly all rows are allocations and frees. If at least SAFE_SIZE bytes are
 * available, which is more than the longest of them, they are decoded in place
 * without checking each field for the end. Everything else (other kinds, the last
 * bytes of the window, anything unusual) takes the slow path: measure the whole
 * object, then decode it with all bounds checked.
 */
#include "memtrace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "hot.h"
#include "mp.h"
#include "reader.h"

#define SAFE_SIZE 64
#define USED "everything before that is used"

/* A row being decoded; bad sticks. */
struct fields {
	struct mp_view v;
	bool bad;
};

/* ---------------------------------------------------------------- errors */

/* Adds a line about the file being read. */
static void add_line(const struct mt_in *in, char **lines, const char *what)
{
	const char *before = *lines != NULL ? *lines : "";
	char *more = NULL;

	if (asprintf(&more, "%s%s%s: %s", before, *before != '\0' ? "\n" : "", mt_in_name(in), what) < 0)
		return;
	free(*lines);
	*lines = more;
}

static void complain(struct mt_in *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct mt_in *in, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	in->failed = true;
	add_line(in, &in->errors, what);
}

/* ---------------------------------------------------------------- rows */

static uint64_t take_number(struct fields *r, uint64_t max)
{
	uint64_t value = 0;

	if (!mp_take_uint(&r->v, &value) || value > max)
		r->bad = true;
	return value;
}

/* Takes a difference from a running value, adds it, and returns the sum. */
static uint64_t take_running(struct fields *r, uint64_t *value, uint64_t max)
{
	int64_t difference = 0;

	if (!mp_take_int(&r->v, &difference) || *value + (uint64_t)difference > max)
		r->bad = true;
	else
		*value += (uint64_t)difference;
	return *value;
}

static struct mt_str take_text(struct fields *r)
{
	struct mt_str s = { "", 0 };

	if (!mp_take_text(&r->v, &s.p, &s.n))
		r->bad = true;
	return s;
}

static struct mt_str take_object(struct fields *r)
{
	const uint8_t *p = NULL;
	size_t n = 0;

	if (!mp_take_object(&r->v, &p, &n))
		r->bad = true;
	return (struct mt_str){ (const char *)p, n };
}

/* Returns the number of a definition, which is the next one, and sets its running value. */
static uint32_t take_new(struct fields *r, uint64_t *run, uint32_t *n_defined)
{
	if (*n_defined == UINT32_MAX)
		r->bad = true;
	else
		*run = ++*n_defined;
	return *n_defined;
}

/* Takes a reference to a definition, a number from min to max. */
static uint32_t take_defined(struct fields *r, uint64_t *run, uint64_t min, uint64_t max)
{
	uint64_t n = take_running(r, run, max);

	if (n < min)
		r->bad = true;
	return (uint32_t)n;
}

static void set_context(const struct mt_in *in, struct mt_event *ev)
{
	ev->pid = in->pid;
	ev->tid = in->tid;
	ev->time_ms = in->run.time_ms;
}

/* Fields omitted at the end of the row mean the same stack, the next id, a weight of 1. */
static void take_alloc(struct mt_in *in, struct fields *r, unsigned kind, uint32_t items, struct mt_event *ev)
{
	ev->kind = MT_ALLOC;
	ev->allocator = in->run.allocator = (uint8_t)kind;
	set_context(in, ev);
	ev->size = take_number(r, UINT64_MAX);
	ev->stack = items > 2 ? take_defined(r, &in->run.stack, 0, in->n_stacks) : (uint32_t)in->run.stack;
	if (items <= 3 && ++in->run.id > UINT32_MAX)
		r->bad = true;
	ev->id = items > 3 ? (uint32_t)take_running(r, &in->run.id, UINT32_MAX) : (uint32_t)in->run.id;
	in->run.live = ev->id;
	ev->weight = items > 4 ? take_number(r, UINT64_MAX) : 1;
	if (ev->weight == 0)
		r->bad = true;
	in->allocs++;
}

/* A bare integer: an allocation of that size, otherwise like the last one. */
static void take_like(struct mt_in *in, struct fields *r, struct mt_event *ev)
{
	if (in->run.allocator == 0)
		r->bad = true;
	take_alloc(in, r, in->run.allocator, 2, ev);
}

static void take_free(struct mt_in *in, struct fields *r, struct mt_event *ev)
{
	int64_t row = 0;

	if (!mp_take_int(&r->v, &row) || in->run.live + (uint64_t)difference_of_free(row) > UINT32_MAX)
		r->bad = true;
	else
		in->run.live += (uint64_t)difference_of_free(row);
	ev->kind = MT_FREE;
	set_context(in, ev);
	ev->id = (uint32_t)in->run.live;
	in->frees++;
}

static void take_stack(struct mt_in *in, struct fields *r, uint32_t parent, struct mt_event *ev)
{
	ev->kind = MT_STACK;
	ev->parent = parent;
	ev->frame = take_defined(r, &in->run.frame, 1, in->n_frames);
	ev->stack = take_new(r, &in->run.stack, &in->n_stacks);
}

static void take_stacks(struct mt_in *in, struct fields *r, uint32_t items, struct mt_event *ev)
{
	take_stack(in, r, take_defined(r, &in->run.parent, 0, in->n_stacks), ev);
	in->stacks_left = items - 3;
}

/* Returns the next stack of the row, whose parent is the stack before it. The row has been measured as a whole. */
static int next_in_row(struct mt_in *in, struct mt_event *ev)
{
	struct fields r = { .v = { in->bytes.p, in->bytes.end } };

	*ev = (struct mt_event){ .weight = 1 };
	in->run.parent = in->n_stacks;
	take_stack(in, &r, in->n_stacks, ev);
	in->bytes.p = r.v.p;
	if (--in->stacks_left == 0)
		in->place = IN_TRACE;
	return r.bad ? -1 : 1;
}

static void take_field(struct mt_in *in, struct fields *r, const struct row_field *f, struct mt_event *ev)
{
	uint64_t *run = row_base(f, &in->run);

	switch (f->type) {
	case FIELD_TEXT:
		*row_text(f, ev) = take_text(r);
		break;
	case FIELD_OBJECT:
		*row_text(f, ev) = take_object(r);
		break;
	case FIELD_NEW:
		if (ev->kind == MT_FUNCTION)
			ev->function = take_new(r, &in->run.function, &in->n_functions);
		else
			ev->frame = take_new(r, &in->run.frame, &in->n_frames);
		break;
	case FIELD_DEFINED:
		row_set_number(f, ev, take_defined(r, run, 1, in->n_functions));
		break;
	default:
		row_set_number(f, ev, run ? take_running(r, run, f->largest) : take_number(r, f->largest));
	}
}

/* Decodes a row by the table of kinds. */
static void take_event(struct mt_in *in, struct fields *r, const struct row_kind *k, struct mt_event *ev)
{
	ev->kind = k->event;
	if (k->context & ROW_TAKES_PID)
		ev->pid = in->pid;
	if (k->context & ROW_TAKES_TID)
		ev->tid = in->tid;
	if (k->context & ROW_TAKES_TIME)
		ev->time_ms = in->run.time_ms;
	for (const struct row_field *f = k->fields; f < k->fields + k->n_fields; f++)
		take_field(in, r, f, ev);
}

static void take_context(struct mt_in *in, struct fields *r, unsigned kind)
{
	switch (kind) {
	case ROW_PID:
		in->pid = (uint32_t)take_number(r, UINT32_MAX);
		break;
	case ROW_TID:
		in->tid = (uint32_t)take_number(r, UINT32_MAX);
		break;
	case ROW_TIME:
		take_running(r, &in->run.time_ms, INT64_MAX);
		break;
	default:
		in->pid = (uint32_t)take_number(r, UINT32_MAX);
		in->tid = (uint32_t)take_number(r, UINT32_MAX);
		in->run = (struct running){ .time_ms = take_number(r, INT64_MAX) };
		break;
	}
}

/* Compares the end row's counts with ours. Returns 1 if equal; 0 if not, having added an error; -1 at damage. */
static int take_end(struct mt_in *in, struct fields *r, struct mt_event *ev)
{
	uint64_t allocs = take_number(r, UINT64_MAX), frees = take_number(r, UINT64_MAX);

	if (r->bad || r->v.p != r->v.end)
		return -1;
	in->place = AFTER_END;
	if (allocs == in->allocs && frees == in->frees) {
		ev->kind = MT_END;
		ev->time_ms = in->run.time_ms;
		return 1;
	}
	if (allocs < in->allocs || frees < in->frees)
		complain(in,
			 "damaged before byte %" PRIu64 ": it contains more allocations or frees than its end counts",
			 bytes_in_offset(&in->bytes));
	else
		complain(in, "damaged before byte %" PRIu64 ": %" PRIu64 " allocations and %" PRIu64
			 " frees are missing; the rest is used",
			 bytes_in_offset(&in->bytes), allocs - in->allocs, frees - in->frees);
	return 0;
}

static bool is_context(uint64_t row)
{
	return row >= ROW_PID && row <= ROW_SYNC;
}

/* Decodes the array at *p, and moves *p past it. Returns 1 if *ev is an event, 0 if there is none, -1 at damage. */
static int take_array(struct mt_in *in, const uint8_t **p, size_t size, struct mt_event *ev)
{
	struct fields r = { .v = { *p, *p + size } };
	uint32_t n = 0;
	uint64_t kind = 0;

	if (!mp_take_head(&r.v, MP_ARRAY, &n) || n == 0 || !mp_take_uint(&r.v, &kind) || kind == ROW_FREE)
		return -1;
	const struct row_kind *k = kind < N_ROWS && row_kinds[kind].name != NULL ? &row_kinds[kind] : NULL;
	const uint8_t *end = r.v.end;
	if (kind <= ROW_LAST_ALLOCATOR) {
		if (n < 2 || n > 5)
			return -1;
		take_alloc(in, &r, (unsigned)kind, n, ev);
	} else if (k == NULL) {
		ev->kind = MT_OTHER;
		ev->info = (struct mt_str){ (const char *)*p, size };
		*p = end;
		return 1;
	} else if (n != k->items && !(kind == ROW_STACK && n > k->items)) {
		return -1;
	} else if (kind == ROW_STACK) {
		take_stacks(in, &r, n, ev);
		if (n > k->items) {	/* the other stacks follow in the rest of the row */
			in->place = IN_STACKS;
			end = r.v.p;
		}
	} else if (kind == ROW_END) {
		*p = end;
		return take_end(in, &r, ev);
	} else if (is_context(kind)) {
		take_context(in, &r, (unsigned)kind);
	} else {
		take_event(in, &r, k, ev);
	}
	*p = end;
	return r.bad || r.v.p != end ? -1 : !is_context(kind);
}

static int take_row(struct mt_in *in, size_t size, struct mt_event *ev)
{
	const uint8_t *p = in->bytes.p, *end = p + size;
	struct mp_head h;
	int r = -1;

	*ev = (struct mt_event){ .weight = 1 };
	mp_head(p, size, &h);
	if (h.type == MP_ARRAY) {
		end = p;
		r = take_array(in, &end, size, ev);
	} else if (h.type == MP_INT) {
		struct fields fields = { .v = { p, end } };
		if (*p < 0x80 || (*p >= 0xcc && *p <= 0xcf) || (*p >= 0xd0 && *p <= 0xd3 && !(p[1] & 0x80)))
			take_like(in, &fields, ev);
		else
			take_free(in, &fields, ev);
		r = fields.bad ? -1 : 1;
	}
	if (r >= 0)
		in->bytes.p = end;
	return r;
}

/*
 * The hot path; SAFE_SIZE bytes must be available. Returns false, having changed
 * nothing, if the row is not a plain allocation or free.
 */
static HOT bool take_hot(struct mt_in *in, struct mt_event *ev)
{
	const uint8_t *p = in->bytes.p;
	uint8_t allocator = in->run.allocator;
	int64_t n, stack = 0, id = 1;
	uint64_t weight = 1;

	if ((*p & 0xf0) == 0x90) {
		unsigned items = *p & 15;
		allocator = p[1];
		if (items < 2 || items > 5 || allocator > ROW_LAST_ALLOCATOR || in->slow[allocator] ||
		    (p = mp_get_uint(p + 2, (uint64_t *)&n)) == NULL ||
		    (items > 2 && (p = mp_get_int(p, &stack)) == NULL) ||
		    (items > 3 && (p = mp_get_int(p, &id)) == NULL) ||
		    (items > 4 && ((p = mp_get_uint(p, &weight)) == NULL || weight == 0)))
			return false;
	} else if ((p = mp_get_int(p, &n)) == NULL) {
		return false;
	} else if (n < 0) {
		uint64_t freed = in->run.live + (uint64_t)difference_of_free(n);
		if (freed > UINT32_MAX)
			return false;
		in->run.live = freed;
		in->frees++;
		ev->kind = MT_FREE;
		ev->id = (uint32_t)freed;
		set_context(in, ev);
		in->bytes.p = p;
		return true;
	} else if (in->slow[allocator]) {
		return false;
	}
	if (in->run.stack + (uint64_t)stack > in->n_stacks || in->run.id + (uint64_t)id > UINT32_MAX)
		return false;
	in->run.allocator = allocator;
	in->run.stack += (uint64_t)stack;
	in->run.live = in->run.id += (uint64_t)id;
	in->allocs++;
	ev->kind = MT_ALLOC;
	ev->allocator = allocator;
	ev->size = (uint64_t)n;
	ev->stack = (uint32_t)in->run.stack;
	ev->id = (uint32_t)in->run.id;
	ev->weight = weight;
	set_context(in, ev);
	in->bytes.p = p;
	return true;
}

/* ---------------------------------------------------------------- traces and files */

/*
 * Reads until a whole object is at the front. Returns 1 if there is one, of *size
 * bytes; 0 at the end of the input; -1 if it is damaged (*why, or else bytes.why)
 * or cut off in the middle of an object (neither).
 */
static int whole_object(struct mt_in *in, size_t *size, const char **why)
{
	struct bytes_in *b = &in->bytes;

	*why = NULL;
	for (;;) {
		size_t have = (size_t)(b->end - b->p);
		int r = have == 0 ? 0 : mp_measure(b->p, have, size);
		if (r > 0)
			return 1;
		if (r < 0) {
			*why = "not a row";
			return -1;
		}
		size_t want = have == 0 ? 1 : *size;
		do {
			r = bytes_in_more(b, want);
		} while (r > 0 && (size_t)(b->end - b->p) < want);
		if (r < 0)
			return -1;
		if (r == 0)
			return have == 0 && b->end == b->p ? 0 : -1;
	}
}

static void choose_slow(struct mt_in *in, const struct mt_header *h)
{
	bool all = !in->memory_only || mt_header_counts_mappings(h);

	for (unsigned i = 0; i <= ROW_LAST_ALLOCATOR; i++)
		in->slow[i] = i == ROW_FREE || (!all && !mt_is_memory(i));
}

void mt_in_follow(struct mt_in *in)
{
	in->bytes.follow = true;
}

void mt_in_memory_only(struct mt_in *in)
{
	in->memory_only = true;
	choose_slow(in, in->header);
}

/* Takes the header of that size at the front. On failure returns -1 and a message without the file's name in why. */
static int take_header(struct mt_in *in, size_t size, char *why, size_t why_size)
{
	struct mt_header *h = header_read(in->bytes.p, size, why, why_size);

	if (h == NULL)
		return -1;
	mt_header_free(in->header);
	in->header = h;
	in->bytes.p += size;
	in->run = (struct running){ 0 };
	in->pid = in->tid = 0;
	in->n_functions = in->n_frames = in->n_stacks = 0;
	in->allocs = in->frees = 0;
	choose_slow(in, h);
	in->place = IN_TRACE;
	return 0;
}

/* Reads no further than the first byte that differs. */
static bool begins_with(struct bytes_in *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((b->p + i == b->end && bytes_in_more(b, n) <= 0) || b->p[i] != (uint8_t)text[i])
			return false;
	return true;
}

int reader_first_header(struct mt_in *in, char *why, size_t why_size)
{
	const char *odd = NULL;
	size_t size = 0;
	if (begins_with(&in->bytes, MEMRAY_MAGIC, sizeof MEMRAY_MAGIC)) {
		snprintf(why, why_size, HEADER_MEMRAY);
		return -1;
	}
	int r = whole_object(in, &size, &odd);

	if (r <= 0 && odd == NULL && in->bytes.growing)
		snprintf(why, why_size, "nothing has been written to it yet: try again in a moment");
	else if (r == 0)
		snprintf(why, why_size, "empty: no trace");
	else if (r < 0 && in->bytes.why[0] != '\0')
		snprintf(why, why_size, "%s%s", in->bytes.why,
			 in->bytes.cut ? ": its header is incomplete" : "");
	else if (r < 0 && odd == NULL && (*in->bytes.p & 0xf0) == 0x80)
		snprintf(why, why_size, "cut off after %" PRIu64 " bytes: its header is incomplete",
			 in->bytes.read);
	else if (r < 0)
		snprintf(why, why_size, HEADER_NONE);
	return r <= 0 ? -1 : take_header(in, size, why, why_size);
}

int reader_open_file(struct mt_in *in, char *why, size_t why_size)
{
	if (bytes_in_open(&in->bytes, in->paths[in->path]) < 0) {
		snprintf(why, why_size, "%s", in->bytes.why);
		return -1;
	}
	return reader_first_header(in, why, why_size);
}

static void header_event(const struct mt_in *in, struct mt_event *ev)
{
	*ev = (struct mt_event){
		.kind = MT_HEADER,
		.info = { (const char *)in->header->raw, in->header->raw_size },
	};
}

/* Goes on to the next file that can be opened. Returns 1 (its header is the event); else 0 or -1, like mt_next(). */
static int next_file(struct mt_in *in, struct mt_event *ev)
{
	char why[300];

	bytes_in_close(&in->bytes);
	in->place = NO_FILE;
	while (in->path + 1 < in->n_paths) {
		in->path++;
		if (reader_open_file(in, why, sizeof why) == 0) {
			header_event(in, ev);
			return 1;
		}
		complain(in, "%s", why);
		bytes_in_close(&in->bytes);
		in->place = NO_FILE;
	}
	return in->failed ? -1 : 0;
}

/* Returns what the last program of the trace is doing. */
static const char *activity(const struct mt_in *in)
{
	const struct mt_header *h = in->header;

	return h->n_stages > 0 && strcmp(h->stages[h->n_stages - 1].program, "memrec") == 0 ? "recorded" : "written";
}

/* Everything written so far to a file that is still being written has been read. */
static int end_so_far(struct mt_in *in, struct mt_event *ev)
{
	char what[100];

	snprintf(what, sizeof what, "still being %s; everything up to now is used", activity(in));
	add_line(in, &in->notes, what);
	in->place = SO_FAR;
	*ev = (struct mt_event){ .kind = MT_END, .time_ms = in->run.time_ms };
	return 1;
}

/* The file ends here, complete, damaged or cut off: reports that and goes on to the next one. */
static int end_of_file(struct mt_in *in, int how, const char *odd, struct mt_event *ev)
{
	bool early = odd == NULL && (how < 0 ? in->bytes.why[0] == '\0' || in->bytes.cut : in->place == IN_TRACE);

	if (early && in->bytes.growing)
		return in->place == AFTER_END ? next_file(in, ev) : end_so_far(in, ev);
	if (how < 0 && odd != NULL)
		complain(in, "damaged at byte %" PRIu64 ": %s; " USED, bytes_in_offset(&in->bytes), odd);
	else if (how < 0 && in->bytes.why[0] != '\0')
		complain(in, "%s; " USED, in->bytes.why);
	else if (how < 0)
		complain(in, "cut off after %" PRIu64 " bytes, in the middle of a row; " USED, in->bytes.read);
	else if (in->place == IN_TRACE)
		complain(in, "cut off after %" PRIu64 " bytes: its end is missing; " USED, in->bytes.read);
	return next_file(in, ev);
}

/* A map between rows: another trace begins. */
static int next_trace(struct mt_in *in, size_t size, struct mt_event *ev)
{
	char why[300];
	bool whole = in->place == AFTER_END;

	if (take_header(in, size, why, sizeof why) < 0) {
		complain(in, "damaged at byte %" PRIu64 ": what follows is %s; " USED,
			 bytes_in_offset(&in->bytes), why);
		return next_file(in, ev);
	}
	if (!whole)
		complain(in, "cut off before byte %" PRIu64 ": another trace begins there and this one's end is "
			 "missing; both are used", bytes_in_offset(&in->bytes));
	header_event(in, ev);
	return 1;
}

/* Kept out of mt_next(), which then has no registers to save; that takes 15 % off its time. */
static __attribute__((noinline)) int next_slowly(struct mt_in *in, struct mt_event *ev)
{
	while (in->place != NO_FILE) {
		const char *odd;
		size_t size = 0;
		if (in->place == SO_FAR)
			return next_file(in, ev);
		if (in->place == IN_STACKS)
			return next_in_row(in, ev) > 0 ? 1 : end_of_file(in, -1, "invalid row", ev);
		int r = whole_object(in, &size, &odd);
		if (r <= 0)
			return end_of_file(in, r, odd, ev);
		struct mp_head h;
		mp_head(in->bytes.p, size, &h);
		if (h.type == MP_MAP)
			return next_trace(in, size, ev);
		if (in->place == AFTER_END)
			return end_of_file(in, -1, "rows follow its end", ev);
		r = take_row(in, size, ev);
		if (r < 0)
			return end_of_file(in, -1, "invalid row", ev);
		if (r > 0) {
			if (ev->kind == MT_ALLOC && in->slow[ev->allocator])
				ev->kind = MT_FREE;
			return 1;
		}
	}
	return in->failed ? -1 : 0;
}

HOT int mt_next(struct mt_in *in, struct mt_event *ev)
{
	if (in->bytes.end - in->bytes.p >= SAFE_SIZE && in->place == IN_TRACE && take_hot(in, ev))
		return 1;
	return next_slowly(in, ev);
}
