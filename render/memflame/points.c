/*
 * points.c - memory over time: the intervals between points at which allocations were alive, in one pass
 *
 * A live allocation keeps only the number of the event that made it. When it ends,
 * bisection finds the first point at or after that event. So joining slices need
 * not change live allocations.
 *
 * The maximum of the current slice is not final yet. An allocation that ends in
 * the slice after the maximum so far goes to `after`: it was alive at the maximum,
 * unless a higher one comes. If one comes, all of `after` moves to `before`.
 */
#include "points.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "xmalloc.h"

#define SLICES 512		/* at most; then each two are joined into one */
#define BEYOND 2047u		/* the end of an allocation that is still open */
#define YOUNG 2046u		/* a begin in the current slice */

struct birth {
	uint64_t seq;		/* number of the event that made it */
	uint32_t key;
	uint32_t next;		/* the next free entry, if this one is free; 0 = none; of one in use: APART, or 0 */
};

#define APART 1u		/* alive at no point */

/* Rows are sorted by `order`, which contains key, begin, end and fate. */
struct row {
	uint64_t order;
	struct amount amount;
};

/* The allocations with one key, begin and fate that ended in the current slice. */
struct ended {
	uint64_t id;			/* order_of() key, begin and fate */
	struct amount before, after;	/* those that ended before or after the maximum */
};

struct points {
	struct slice slice[SLICES];
	size_t n;			/* closed slices */
	uint64_t slice_ms, time_ms, last_ms;	/* time_ms: now; last_ms: of the last allocation, shrink or end */
	uint64_t seq, start_seq;	/* events so far, and when the current slice began */
	uint64_t alive;			/* bytes */
	bool unsettled;			/* less than at the last event */
	uint64_t rss, most_rss;		/* now, and the most in the current slice */
	struct slice now;		/* the current slice: only most_ms, most, most_seq are set */
	struct birth *births;		/* entry 0 is not used */
	size_t n_births, cap_births;
	uint32_t free_birth;
	struct ended *ended;
	size_t n_ended, cap_ended;
	struct index index;		/* of `ended`, by id */
	uint32_t *after;		/* indices of the entries of `ended` with an amount `after` */
	size_t n_after, cap_after;
	struct row *rows;
	size_t n_rows, cap_rows, n_sorted;
};

/* ---------------------------------------------------------------- rows */

static uint64_t order_of(uint32_t key, uint32_t begin, uint32_t end, enum fate fate)
{
	return (uint64_t)key << 32 | (uint64_t)begin << 16 | (uint64_t)end << 2 | (uint64_t)fate;
}

static uint32_t begin_of(uint64_t order)
{
	return order >> 16 & 0xffff;
}

static uint32_t end_of(uint64_t order)
{
	return order >> 2 & 0x3fff;
}

/* Sorts by `order`: a radix sort, 16 bits at a time, the lowest first. */
static void sort_rows(struct points *p)
{
	struct row *from = p->rows, *to = xmalloc(p->n_rows * sizeof *to);
	uint32_t *at = xmalloc(65536 * sizeof *at);

	for (int shift = 0; shift < 64; shift += 16) {
		memset(at, 0, 65536 * sizeof *at);
		for (size_t i = 0; i < p->n_rows; i++)
			at[from[i].order >> shift & 0xffff]++;
		uint32_t sum = 0;
		for (size_t d = 0; d < 65536; d++) {
			uint32_t n = at[d];
			at[d] = sum;
			sum += n;
		}
		for (size_t i = 0; i < p->n_rows; i++)
			to[at[from[i].order >> shift & 0xffff]++] = from[i];
		struct row *swap = from;
		from = to;
		to = swap;
	}
	/* After an even number of passes the rows are back in p->rows. */
	free(to);
	free(at);
}

/* Merges rows of equal order. */
static void compact(struct points *p)
{
	size_t n = 0;

	if (p->n_rows > UINT32_MAX)
		die("more than 4 billion intervals");
	if (p->n_rows)
		sort_rows(p);
	for (size_t i = 0; i < p->n_rows; i++) {
		if (n && p->rows[n - 1].order == p->rows[i].order)
			amount_add(&p->rows[n - 1].amount, p->rows[i].amount);
		else
			p->rows[n++] = p->rows[i];
	}
	p->n_rows = p->n_sorted = n;
}

static void put_row(struct points *p, uint32_t key, uint32_t begin, uint32_t end, enum fate fate, struct amount a)
{
	if (!a.bytes && !a.count)
		return;
	if (p->n_rows >= 2 * p->n_sorted + 65536)
		compact(p);
	GROW(p->rows, p->n_rows, p->cap_rows);
	p->rows[p->n_rows++] = (struct row){ order_of(key, begin, end, fate), a };
}

/* ---------------------------------------------------------------- slices */

/* Returns the first point of a closed slice at or after an event. */
static uint32_t point_after(const struct points *p, uint64_t seq)
{
	size_t low = 0, high = p->n - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (p->slice[middle].end_seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)(2 * low + (seq > p->slice[low].most_seq));
}

/* Joins each two slices. A point that disappears becomes the next one that remains. */
static void join_slices(struct points *p)
{
	uint32_t now[2 * SLICES];

	for (size_t i = 0; i < SLICES; i += 2) {
		struct slice *a = &p->slice[i], *b = a + 1, joined = *b;
		bool first = a->most > b->most;		/* of equal ones the last */
		uint32_t most = (uint32_t)i, end = most + 1;
		if (first) {
			joined.most = a->most;
			joined.most_ms = a->most_ms;
			joined.most_seq = a->most_seq;
		}
		joined.rss = a->rss > b->rss ? a->rss : b->rss;
		now[2 * i] = most;
		now[2 * i + 1] = first ? end : most;
		now[2 * i + 2] = first ? end : most;
		now[2 * i + 3] = end;
		p->slice[i / 2] = joined;
	}
	p->n = SLICES / 2;
	p->slice_ms *= 2;
	for (size_t i = 0; i < p->n_rows; i++) {
		uint64_t order = p->rows[i].order;
		uint32_t begin = now[begin_of(order)], end = end_of(order) == BEYOND ? BEYOND : now[end_of(order)];
		if (begin == end)
			begin = end |= 1;	/* alive at no point: either of the slice's will do */
		p->rows[i].order = order_of((uint32_t)(order >> 32), begin, end, (enum fate)(order & 3));
	}
	compact(p);
}

static void begin_slice(struct points *p)
{
	p->start_seq = p->seq;
	p->now = (struct slice){ .most_ms = p->last_ms, .most = p->alive, .most_seq = p->seq };
	p->most_rss = p->rss;
}

/* Turns `ended` into rows, now that the slice's maximum is final. */
static void put_ended(struct points *p)
{
	uint32_t most = (uint32_t)(2 * p->n), end = most + 1;

	for (size_t i = 0; i < p->n_ended; i++) {
		const struct ended *e = &p->ended[i];
		uint32_t key = (uint32_t)(e->id >> 32), begin = begin_of(e->id);
		enum fate fate = (enum fate)(e->id & 3);
		if (fate == FATE_TEMPORARY || begin != YOUNG) {
			uint32_t from = begin == YOUNG ? end : begin;
			put_row(p, key, from, fate == FATE_TEMPORARY ? from : most, fate, e->before);
			put_row(p, key, from, fate == FATE_TEMPORARY ? from : end, fate, e->after);
		} else {
			put_row(p, key, end, end, fate, e->before);
			put_row(p, key, most, end, fate, e->after);
		}
	}
	p->n_ended = p->n_after = 0;
	index_clear(&p->index);
}

static void close_slice(struct points *p)
{
	put_ended(p);
	p->now.last = p->alive;
	p->now.rss = p->most_rss;
	p->now.end_seq = p->seq;
	p->slice[p->n++] = p->now;
	if (p->n == SLICES)
		join_slices(p);
	begin_slice(p);
}

void points_reach(struct points *p, uint64_t time_ms)
{
	if (time_ms > p->time_ms)
		p->time_ms = time_ms;
	while (p->time_ms / p->slice_ms > p->n)
		close_slice(p);
}

/* ---------------------------------------------------------------- events */

/* If this is a new maximum, everything that ended in this slice so far ended before it. */
static void note_most(struct points *p)
{
	if (p->alive < p->now.most)
		return;
	p->now.most = p->alive;
	p->now.most_ms = p->time_ms;
	p->now.most_seq = p->seq;
	for (size_t i = 0; i < p->n_after; i++) {
		struct ended *e = &p->ended[p->after[i]];
		amount_add(&e->before, e->after);
		e->after = (struct amount){ 0, 0 };
	}
	p->n_after = 0;
}

static bool has_id(const void *ended, uint32_t n, const void *id)
{
	return ((const struct ended *)ended)[n].id == *(const uint64_t *)id;
}

static struct ended *find_ended(struct points *p, uint64_t id)
{
	uint32_t n = index_put(&p->index, index_hash(id, 0), has_id, p->ended, &id, (uint32_t)p->n_ended);

	if (n == p->n_ended) {
		GROW(p->ended, p->n_ended, p->cap_ended);
		p->ended[p->n_ended++] = (struct ended){ .id = id };
	}
	return &p->ended[n];
}

static void end_part(struct points *p, const struct birth *b, struct amount a, enum fate fate)
{
	bool young = b->seq > p->start_seq;
	uint32_t begin = young ? YOUNG : point_after(p, b->seq);

	if (!young && b->next == APART) {
		put_row(p, b->key, begin | 1, begin | 1, fate, a);
		return;
	}
	struct ended *e = find_ended(p, order_of(b->key, begin, 0, fate));

	/* Made and ended after the maximum so far: alive at no point, whether or not that is final. */
	if (b->next == APART || (young && b->seq > p->now.most_seq)) {
		amount_add(&e->before, a);
		return;
	}
	if (!e->after.bytes && !e->after.count) {
		GROW(p->after, p->n_after, p->cap_after);
		p->after[p->n_after++] = (uint32_t)(e - p->ended);
	}
	amount_add(&e->after, a);
}

uint32_t points_number(struct points *p)
{
	uint32_t number = p->free_birth;

	if (number) {
		p->free_birth = p->births[number].next;
		return number;
	}
	if (p->n_births == UINT32_MAX)
		die("more than 4 billion allocations are open at once");
	GROW(p->births, p->n_births, p->cap_births);
	return (uint32_t)p->n_births++;
}

void points_begin(struct points *p, uint32_t number, uint32_t key, struct amount a)
{
	p->births[number] = (struct birth){ .seq = ++p->seq, .key = key };
	p->last_ms = p->time_ms;
	p->alive += a.bytes;
	note_most(p);
}

void points_begin_apart(struct points *p, uint32_t number, uint32_t key)
{
	p->births[number] = (struct birth){ .seq = ++p->seq, .key = key, .next = APART };
}

/* Of an allocation. */
static void lose(struct points *p, const struct birth *b, uint64_t bytes)
{
	p->seq++;
	if (b->next == APART)
		return;
	p->last_ms = p->time_ms;
	p->alive -= bytes;
	p->unsettled = true;
}

void points_shrink(struct points *p, uint32_t number, struct amount lost, enum fate fate)
{
	lose(p, &p->births[number], lost.bytes);
	end_part(p, &p->births[number], lost, fate);
}

static void forget(struct points *p, uint32_t number)
{
	p->births[number].next = p->free_birth;
	p->free_birth = number;
}

void points_end(struct points *p, uint32_t number, struct amount left, enum fate fate, bool temporary)
{
	const struct birth *b = &p->births[number];

	lose(p, b, left.bytes);
	end_part(p, b, left, fate);
	if (temporary)
		end_part(p, b, left, FATE_TEMPORARY);
	forget(p, number);
}

void points_settle(struct points *p)
{
	if (p->unsettled)
		note_most(p);
	p->unsettled = false;
}

uint64_t points_now(const struct points *p)
{
	return p->seq;
}

uint64_t points_birth(const struct points *p, uint32_t number)
{
	return p->births[number].seq;
}

uint32_t points_key(const struct points *p, uint32_t number)
{
	return p->births[number].key;
}

void points_rss(struct points *p, uint64_t rss)
{
	p->rss = rss;
	if (rss > p->most_rss)
		p->most_rss = rss;
}

/* ---------------------------------------------------------------- the end */

void points_close(struct points *p)
{
	close_slice(p);
}

void points_leave(struct points *p, uint32_t number, struct amount left, enum fate fate)
{
	const struct birth *b = &p->births[number];
	uint32_t begin = point_after(p, b->seq);

	if (b->next == APART)
		put_row(p, b->key, begin | 1, begin | 1, fate, left);
	else
		put_row(p, b->key, begin, BEYOND, fate, left);
}

void points_finish(struct points *p)
{
	compact(p);
	free(p->births);
	free(p->ended);
	free(p->after);
	index_clear(&p->index);
	p->births = NULL;
	p->ended = NULL;
	p->after = NULL;
}

size_t points_slices(const struct points *p)
{
	return p->n;
}

const struct slice *points_slice(const struct points *p, size_t i)
{
	return &p->slice[i];
}

uint64_t points_slice_ms(const struct points *p)
{
	return p->slice_ms;
}

size_t points_intervals(const struct points *p)
{
	return p->n_rows;
}

struct interval points_interval(const struct points *p, size_t i)
{
	uint64_t order = p->rows[i].order;
	uint32_t end = end_of(order);

	return (struct interval){
		.key = (uint32_t)(order >> 32),
		.begin = begin_of(order),
		.end = end == BEYOND ? (uint32_t)(2 * p->n) : end,
		.fate = (enum fate)(order & 3),
		.amount = p->rows[i].amount,
	};
}

size_t points_highest(const struct points *p)
{
	size_t highest = 0;

	for (size_t i = 1; i < p->n; i++)
		if (p->slice[i].most >= p->slice[highest].most)
			highest = i;
	return highest;
}

struct points *points_new(void)
{
	struct points *p = xcalloc(1, sizeof *p);

	p->slice_ms = 1;
	p->n_births = 1;
	begin_slice(p);
	return p;
}

void points_free(struct points *p)
{
	if (!p)
		return;
	free(p->births);
	free(p->ended);
	index_clear(&p->index);
	free(p->after);
	free(p->rows);
	free(p);
}
