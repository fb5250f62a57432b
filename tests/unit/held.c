/*
 * held.c - what is held, in order, and at the mark, against a plain list
 */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define IDS 400

/* The model: every allocation open, in order; and a copy of that at the mark. */
struct list {
	struct mt_event *at;
	size_t n;
};

struct model {
	struct list now, marked;
	bool is_marked;
};

static size_t find(const struct list *l, uint32_t id)
{
	size_t i = 0;

	while (i < l->n && l->at[i].id != id)
		i++;
	return i;
}

static bool drop(struct list *l, uint32_t id)
{
	size_t i = find(l, id);

	if (i == l->n)
		return false;
	memmove(l->at + i, l->at + i + 1, (l->n - i - 1) * sizeof *l->at);
	l->n--;
	return true;
}

static struct mt_event any_alloc(unsigned long long *seed, uint64_t time_ms)
{
	return (struct mt_event){
		.kind = MT_ALLOC,
		.id = (uint32_t)(check_random(seed) % IDS) * (check_random(seed) % 50 ? 1 : 1000003),
		.size = check_random(seed) % 100,
		.weight = check_random(seed) % 9 ? 1 : 1 + check_random(seed),
		.stack = (uint32_t)check_random(seed),
		.allocator = (uint8_t)(1 + check_random(seed) % 31),
		.pid = 10 + (uint32_t)(check_random(seed) % 2),
		.tid = 20 + (uint32_t)(check_random(seed) % 3),
		.time_ms = time_ms,
	};
}

static bool same(const struct mt_event *a, const struct mt_event *b, bool with_id)
{
	return (!with_id || a->id == b->id) && a->size == b->size && a->weight == b->weight && a->stack == b->stack &&
	       a->allocator == b->allocator && a->pid == b->pid && a->tid == b->tid && a->time_ms == b->time_ms;
}

/* An event's place in a list, whatever the order. */
static bool take(struct list *l, const struct mt_event *ev)
{
	for (size_t i = 0; i < l->n; i++)
		if (same(&l->at[i], ev, false)) {
			l->at[i] = l->at[--l->n];
			return true;
		}
	return false;
}

static bool now_agrees(const struct held *h, const struct model *m)
{
	struct mt_event ev;
	size_t cursor = 0, i = 0;

	while (held_each(h, &cursor, &ev))
		if (i >= m->now.n || !same(&ev, &m->now.at[i++], true))
			return false;
	return i == m->now.n && held_count(h) == m->now.n;
}

static bool mark_agrees(const struct held *h, const struct model *m)
{
	struct list copy = { malloc((m->marked.n + 1) * sizeof *copy.at), m->marked.n };
	struct mt_event ev;
	size_t cursor = 0;
	bool agrees = true;

	memcpy(copy.at, m->marked.at, m->marked.n * sizeof *copy.at);
	while (held_each_marked(h, &cursor, &ev))
		agrees = agrees && take(&copy, &ev);
	agrees = agrees && copy.n == 0;
	free(copy.at);
	return agrees;
}

static void step_alloc(struct held *h, struct model *m, unsigned long long *seed, uint64_t time_ms)
{
	struct mt_event ev = any_alloc(seed, time_ms);

	drop(&m->now, ev.id);
	m->now.at[m->now.n++] = ev;
	held_open(h, &ev);
}

static bool step_free(struct held *h, struct model *m, unsigned long long *seed)
{
	size_t young = m->now.n < 9 ? m->now.n : 9;	/* mostly one of the last */
	uint32_t id = (uint32_t)(check_random(seed) % IDS);
	if (young && check_random(seed) % 8)
		id = m->now.at[m->now.n - 1 - check_random(seed) % young].id;
	struct block b;
	size_t i = find(&m->now, id);
	uint64_t size = i < m->now.n ? m->now.at[i].size : 0;

	return held_close(h, id, &b) == drop(&m->now, id) && (i > m->now.n || !size || b.size == size);
}

/* Not while there is a mark: then it changes the order, which the examples below show. */
static bool step_resize(struct held *h, struct model *m, unsigned long long *seed)
{
	if (m->now.n == 0 || m->is_marked)
		return true;
	struct mt_event *ev = &m->now.at[check_random(seed) % m->now.n];
	uint64_t size = check_random(seed) % 100, gone;
	struct block b;

	if (size > ev->size)
		return !held_resize(h, ev->id, size, &b, &gone);
	if (!held_resize(h, ev->id, size, &b, &gone) || gone != ev->size - size)
		return false;
	ev->size = size;
	return true;
}

static void step_mark(struct held *h, struct model *m, unsigned long long *seed)
{
	m->is_marked = check_random(seed) % 2;
	m->marked.n = 0;
	if (!m->is_marked) {
		held_unmark(h);
		return;
	}
	held_mark(h);
	m->marked.n = m->now.n;
	memcpy(m->marked.at, m->now.at, m->now.n * sizeof *m->now.at);
}

static bool sequence_agrees(unsigned long long seed, unsigned steps)
{
	struct held *h = held_new();
	struct model m = {
		.now = { calloc(2 * IDS + 2, sizeof *m.now.at), 0 },
		.marked = { calloc(2 * IDS + 2, sizeof *m.now.at), 0 },
	};
	bool agrees = true;

	for (unsigned i = 0; i < steps && agrees; i++) {
		unsigned what = (unsigned)(check_random(&seed) % 100);
		if (what < 49)
			step_alloc(h, &m, &seed, i);
		else if (what < 97)
			agrees = step_free(h, &m, &seed);
		else if (what < 99)
			agrees = step_resize(h, &m, &seed);
		else if (check_random(&seed) % 20 == 0)
			step_mark(h, &m, &seed);
		if (i % 97 == 0)
			agrees = agrees && now_agrees(h, &m) && mark_agrees(h, &m);
	}
	agrees = agrees && now_agrees(h, &m) && mark_agrees(h, &m);
	held_clear(h);
	m.now.n = m.marked.n = 0;
	agrees = agrees && now_agrees(h, &m) && mark_agrees(h, &m);
	held_free(h);
	free(m.now.at);
	free(m.marked.at);
	return agrees;
}

static unsigned sequences_that_agree(unsigned how_many, unsigned steps)
{
	unsigned agree = 0;

	for (unsigned i = 0; i < how_many; i++)
		agree += sequence_agrees(i, steps);
	return agree;
}

static struct mt_event alloc(uint32_t id, uint64_t size)
{
	return (struct mt_event){ .kind = MT_ALLOC, .id = id, .size = size, .weight = 1, .allocator = MT_MMAP };
}

/* Sizes as digits, in order. */
static unsigned sizes(const struct held *h, bool marked)
{
	struct mt_event ev;
	size_t cursor = 0;
	unsigned digits = 0;

	while (marked ? held_each_marked(h, &cursor, &ev) : held_each(h, &cursor, &ev))
		digits = digits * 10 + (unsigned)ev.size;
	return digits;
}

int main(void)
{
	CHECK("200 random sequences give what a list gives", sequences_that_agree(200, 2000) == 200);
	CHECK("long ones, swept many times, too", sequences_that_agree(3, 100000) == 3);

	struct held *h = held_new();
	struct block b;
	uint64_t gone = 0;
	for (uint32_t id = 1; id <= 4; id++) {
		struct mt_event ev = alloc(id, 2 * id);
		held_open(h, &ev);
	}
	CHECK("a resize that grows is none", !held_resize(h, 1, 3, &b, &gone));
	CHECK("of nothing open neither", !held_resize(h, 9, 1, &b, &gone));
	held_mark(h);
	CHECK("a resize tells what is gone", held_resize(h, 3, 1, &b, &gone) && gone == 5);
	held_close(h, 1, &b);
	CHECK("the mark keeps what was freed and resized since", sizes(h, true) == 2468);
	CHECK("what is open is as it is now", sizes(h, false) == 481);
	held_close(h, 3, &b);
	held_close(h, 4, &b);
	held_unmark(h);
	CHECK("without the mark only what is open is left", sizes(h, false) == 4 && sizes(h, true) == 0);
	held_free(h);
	held_free(NULL);
	return check_done();
}
