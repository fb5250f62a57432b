/*
 * open_blocks.c - the open allocations now and at the mark, compared with a plain list
 */
#include "open_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "owned.h"

#define IDS 400

/* The model: all open allocations in order; and a copy of them at the mark. */
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

/* Returns an event's index in a list, whatever the order. */
static bool take(struct list *l, const struct mt_event *ev)
{
	for (size_t i = 0; i < l->n; i++)
		if (same(&l->at[i], ev, false)) {
			l->at[i] = l->at[--l->n];
			return true;
		}
	return false;
}

static bool now_agrees(const struct open_blocks *o, const struct model *m)
{
	struct mt_event ev;
	size_t cursor = 0, i = 0;

	while (open_blocks_each(o, &cursor, &ev))
		if (i >= m->now.n || !same(&ev, &m->now.at[i++], true))
			return false;
	return i == m->now.n && open_blocks_count(o) == m->now.n;
}

static bool mark_agrees(const struct open_blocks *o, const struct model *m)
{
	struct list copy = { malloc((m->marked.n + 1) * sizeof *copy.at), m->marked.n };
	struct mt_event ev;
	size_t cursor = 0;
	bool agrees = true;

	memcpy(copy.at, m->marked.at, m->marked.n * sizeof *copy.at);
	while (open_blocks_each_marked(o, &cursor, &ev))
		agrees = agrees && take(&copy, &ev);
	agrees = agrees && copy.n == 0;
	free(copy.at);
	return agrees;
}

static bool step_alloc(struct open_blocks *o, struct model *m, unsigned long long *seed, uint64_t time_ms)
{
	struct mt_event ev = any_alloc(seed, time_ms), was;
	size_t i = find(&m->now, ev.id);
	bool open = i < m->now.n;

	if (open_blocks_open(o, &ev, &was) != open || (open && !same(&was, &m->now.at[i], true)))
		return false;
	drop(&m->now, ev.id);
	m->now.at[m->now.n++] = ev;
	return true;
}

/* Ends a process: its allocations end in order. */
static bool step_exit(struct open_blocks *o, struct model *m, unsigned long long *seed)
{
	uint32_t pid = 10 + (uint32_t)(check_random(seed) % 2);
	struct mt_event was;
	size_t cursor = 0;

	for (size_t i = 0; i < m->now.n; ) {
		if (m->now.at[i].pid != pid) {
			i++;
			continue;
		}
		if (!open_blocks_exit(o, pid, &cursor, &was) || !same(&was, &m->now.at[i], true))
			return false;
		drop(&m->now, m->now.at[i].id);
	}
	return !open_blocks_exit(o, pid, &cursor, &was);
}

static bool step_free(struct open_blocks *o, struct model *m, unsigned long long *seed)
{
	size_t young = m->now.n < 9 ? m->now.n : 9;	/* mostly one of the last */
	uint32_t id = (uint32_t)(check_random(seed) % IDS);
	if (young && check_random(seed) % 8)
		id = m->now.at[m->now.n - 1 - check_random(seed) % young].id;
	struct mt_event was;
	size_t i = find(&m->now, id);
	bool open = i < m->now.n;

	if (open_blocks_close(o, id, &was) != open || (open && !same(&was, &m->now.at[i], true)))
		return false;
	drop(&m->now, id);
	return true;
}

/* Not while there is a mark, as it then changes the order (see the examples below). */
static bool step_resize(struct open_blocks *o, struct model *m, unsigned long long *seed)
{
	if (m->now.n == 0 || m->is_marked)
		return true;
	struct mt_event *ev = &m->now.at[check_random(seed) % m->now.n], was;
	struct mt_event resize = { .kind = MT_RESIZE, .id = ev->id, .size = check_random(seed) % 100 };

	if (resize.size > ev->size)
		return !open_blocks_resize(o, &resize, &was);
	if (!open_blocks_resize(o, &resize, &was) || !same(&was, ev, true))
		return false;
	ev->size = resize.size;
	return true;
}

static void step_mark(struct open_blocks *o, struct model *m)
{
	m->is_marked = true;
	open_blocks_mark(o);
	m->marked.n = m->now.n;
	memcpy(m->marked.at, m->now.at, m->now.n * sizeof *m->now.at);
}

static bool sequence_agrees(unsigned long long seed, unsigned steps)
{
	struct open_blocks *o = open_blocks_new();
	struct model m = {
		.now = { calloc(2 * IDS + 2, sizeof *m.now.at), 0 },
		.marked = { calloc(2 * IDS + 2, sizeof *m.now.at), 0 },
	};
	bool agrees = true;

	for (unsigned i = 0; i < steps && agrees; i++) {
		unsigned what = (unsigned)(check_random(&seed) % 100);
		if (what < 49)
			agrees = step_alloc(o, &m, &seed, i);
		else if (what < 97)
			agrees = step_free(o, &m, &seed);
		else if (what < 99)
			agrees = step_resize(o, &m, &seed);
		else if (check_random(&seed) % 20 == 0)
			step_mark(o, &m);
		else if (check_random(&seed) % 20 == 0)
			agrees = step_exit(o, &m, &seed);
		if (i % 97 == 0)
			agrees = agrees && now_agrees(o, &m) && mark_agrees(o, &m);
	}
	agrees = agrees && now_agrees(o, &m) && mark_agrees(o, &m);
	open_blocks_clear(o);
	m.now.n = m.marked.n = 0;
	agrees = agrees && now_agrees(o, &m) && mark_agrees(o, &m);
	open_blocks_free(o);
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

/* Returns the sizes as digits, in order. */
static unsigned sizes(const struct open_blocks *o, bool marked)
{
	struct mt_event ev;
	size_t cursor = 0;
	unsigned digits = 0;

	while (marked ? open_blocks_each_marked(o, &cursor, &ev) : open_blocks_each(o, &cursor, &ev))
		digits = digits * 10 + (unsigned)ev.size;
	return digits;
}

static bool resize(struct open_blocks *o, uint32_t id, uint64_t size, struct mt_event *was)
{
	return open_blocks_resize(o, &(struct mt_event){ .kind = MT_RESIZE, .id = id, .size = size }, was);
}

static struct open_blocks *four_blocks(void)
{
	struct open_blocks *o = open_blocks_new();

	for (uint32_t id = 1; id <= 4; id++) {
		struct mt_event ev = alloc(id, 2 * id);
		open_blocks_open(o, &ev, NULL);
	}
	return o;
}

static void test_mark(void)
{
	struct open_blocks *o = four_blocks();
	struct mt_event was;

	CHECK("a resize that grows is not an event", !resize(o, 1, 3, &was));
	CHECK("nor is a resize of a block that is not open", !resize(o, 9, 1, &was));
	open_blocks_mark(o);
	CHECK("a resize returns the allocation before it", resize(o, 3, 1, &was) && was.size == 6 && was.id == 3);
	open_blocks_close(o, 1, NULL);
	CHECK("the mark keeps allocations freed and resized since", sizes(o, true) == 2468);
	CHECK("open allocations have their present size", sizes(o, false) == 481);
	CHECK("a resize to the same size keeps the order", resize(o, 2, 4, &was) && sizes(o, false) == 481);
	open_blocks_close(o, 3, NULL);
	open_blocks_close(o, 4, NULL);
	open_blocks_mark(o);
	CHECK("a new mark drops the old one", sizes(o, false) == 4 && sizes(o, true) == 4);
	open_blocks_free(o);
	open_blocks_free(NULL);
}

/* Returns the sizes of the allocations that an event ends, as digits. */
static unsigned ended(struct open_blocks *o, struct mt_event ev)
{
	struct mt_event was;
	unsigned digits = 0;

	for (size_t cursor = 0; open_blocks_take(o, &ev, &cursor, &was); )
		digits = digits * 10 + (unsigned)was.size;
	return digits;
}

static void test_take(void)
{
	struct open_blocks *o = four_blocks();
	struct mt_event more = alloc(5, 9);

	more.pid = 7;
	CHECK("an allocation ends nothing, or an older one with its id",
	      ended(o, more) == 0 && ended(o, alloc(2, 5)) == 4);
	CHECK("a free ends its allocation",
	      ended(o, (struct mt_event){ .kind = MT_FREE, .id = 1 }) == 2 && sizes(o, false) == 6895);
	CHECK("a resize ends nothing", ended(o, (struct mt_event){ .kind = MT_RESIZE, .id = 4, .size = 3 }) == 0 &&
	      sizes(o, false) == 6395);
	CHECK("an exit ends its process's allocations", ended(o, (struct mt_event){ .kind = MT_EXIT, .pid = 7 }) == 9);
	CHECK("nor does any other event end one", ended(o, (struct mt_event){ .kind = MT_RSS }) == 0);
	CHECK("the end ends all", ended(o, (struct mt_event){ .kind = MT_END }) == 635 && open_blocks_count(o) == 0);
	open_blocks_free(o);
}

static void test_answer(void)
{
	struct mt_stage stage = { .program = "x", .title = "", .answer = true };
	struct mt_header answer = { .stages = &stage, .n_stages = 1 };
	struct open_blocks *o = open_blocks_new();
	struct mt_event ev = alloc(1, 7), was;
	size_t cursor = 0;

	open_blocks_begin(o, &answer);
	CHECK("in an answer a live id ends nothing",
	      !open_blocks_open(o, &ev, &was) && !open_blocks_open(o, &ev, &was));
	CHECK("nor does a free, a resize, an exit", !open_blocks_close(o, 1, &was) && !resize(o, 1, 1, &was) &&
	      !open_blocks_exit(o, 0, &cursor, &was) && sizes(o, false) == 77);
	open_blocks_free(o);
}

int main(void)
{
	CHECK("200 random sequences give the same as a list", sequences_that_agree(200, 2000) == 200);
	CHECK("so do long ones, swept many times", sequences_that_agree(3, 100000) == 3);
	owned_patience = 0;
	CHECK("and sequences of many processes, whose ids are kept",
	      sequences_that_agree(200, 2000) == 200 && sequences_that_agree(3, 100000) == 3);
	test_mark();
	test_take();
	test_answer();
	return check_done();
}
