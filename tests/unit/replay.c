/*
 * replay.c - the rules of a trace's life, one by one
 */
#include "replay.h"

#include "check.h"

static const struct mt_header plain;

static bool open_block(struct replay *r, uint32_t id, uint64_t size, uint64_t weight, uint32_t pid, struct share *old)
{
	struct mt_event ev = { .kind = MT_ALLOC, .id = id, .size = size, .weight = weight, .pid = pid };

	return replay_open(r, &ev, id * 10, old);
}

static bool resize(struct replay *r, uint32_t id, uint64_t size, struct share *lost)
{
	struct mt_event ev = { .kind = MT_RESIZE, .id = id, .size = size };

	return replay_resize(r, &ev, lost);
}

static bool is(const struct share *s, uint64_t bytes, uint64_t count, uint32_t key)
{
	return s->amount.bytes == bytes && s->amount.count == count && s->key == key;
}

static void test_blocks(void)
{
	struct replay r = { .answer = false };
	struct share s;

	replay_begin(&r, &plain);
	CHECK("an allocation opens a block", !open_block(&r, 1, 5, 2, 7, &s));
	CHECK("a live id given again ends the old one",
	      open_block(&r, 1, 6, 3, 8, &s) && is(&s, 10, 2, 10) && s.pid == 7);
	CHECK("a resize that grows is not an event", !resize(&r, 1, 7, &s));
	CHECK("a resize loses bytes times the weight, and no allocations",
	      resize(&r, 1, 2, &s) && is(&s, 12, 0, 10));
	CHECK("a free ends the rest", replay_close(&r, 1, &s) && is(&s, 6, 3, 10) && s.pid == 8);
	CHECK("a free or a resize of a dead id is not an event", !replay_close(&r, 1, &s) && !resize(&r, 1, 0, &s));
	open_block(&r, 2, UINT64_MAX / 2, 3, 7, &s);
	CHECK("an amount that does not fit is the largest one", replay_close(&r, 2, &s) && is(&s, UINT64_MAX, 3, 20));
	open_block(&r, 3, 1, 1, 7, &s);
	replay_begin(&r, &plain);
	CHECK("a header voids everything", !replay_close(&r, 3, &s));
	replay_clear(&r);
}

static void test_exit(void)
{
	struct replay r = { .answer = false };
	struct share s;
	size_t cursor = 0;
	bool empty = false, in_order = true;
	unsigned n = 0, left = 0;

	replay_begin(&r, &plain);
	for (uint32_t id = 1; id <= 20000; id++)
		open_block(&r, id * 7, id % 3, 1, id % 2, &s);
	while (replay_exit(&r, 1, &cursor, &s)) {
		in_order = in_order && s.pid == 1 && !(empty && s.amount.bytes);
		empty = s.amount.bytes == 0;
		n++;
	}
	CHECK("an exit ends all blocks of its process, empty ones last", n == 10000 && in_order && empty);
	for (cursor = 0; replay_each(&r, &cursor, &s); )
		left += s.pid == 0;
	CHECK("an exit ends nothing else", left == 10000);
	replay_clear(&r);
}

static void test_answer(void)
{
	struct mt_stage stage = { .program = "x", .title = "", .answer = true };
	struct mt_header answer = { .stages = &stage, .n_stages = 1 };
	struct replay r = { .answer = false };
	struct share s;
	size_t cursor = 0;

	replay_begin(&r, &answer);
	CHECK("in an answer nothing ends", r.answer && !open_block(&r, 1, 1, 1, 7, &s) &&
					       !open_block(&r, 1, 1, 1, 7, &s) && !replay_close(&r, 1, &s) &&
					       !replay_exit(&r, 7, &cursor, &s));
	replay_clear(&r);
}

/* Processes that share ids, one after another, beside one that stays: each ends what it holds, by walks or without. */
static bool ends_agree(uint64_t patience)
{
	struct replay r = { .answer = false };
	struct share s;
	bool agree = true;

	owned_patience = patience;
	replay_begin(&r, &plain);
	for (uint32_t pid = 1; pid <= 300; pid++) {
		unsigned n = 0;
		for (uint32_t i = 0; i < 200; i++) {
			uint32_t id = i * 31 % 170 + 1;
			open_block(&r, id, i % 5, 1, pid, &s);
			if (i % 3 == 0)
				replay_close(&r, id, &s);
			open_block(&r, 1000 + (pid * 200 + i) % 1000, 1, 1, 999999, &s);
		}
		for (uint32_t id = 1; id <= 170; id++) {
			struct block b;
			n += live_find(r.live, id, &b) && b.thread == pid;
		}
		for (size_t cursor = 0; replay_exit(&r, pid, &cursor, &s); n--)
			agree = agree && s.pid == pid;
		agree = agree && n == 0;
	}
	agree = agree && live_count(r.live) == 1000 && owned_kept(&r.owned) == (patience < 1000000);
	replay_clear(&r);
	return agree;
}

int main(void)
{
	uint64_t patience = owned_patience;
	test_blocks();
	test_exit();
	CHECK("of many processes each ends what it holds", ends_agree(patience) && ends_agree(0) && ends_agree(50000));
	test_answer();
	return check_done();
}
