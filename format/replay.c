/*
 * replay.c - the rules of a trace's life, for programs that add up live blocks
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "hot.h"
#include "provenance.h"

static uint32_t pid_of(const void *arg, const struct block *b)
{
	(void)arg;
	return b->thread;
}

void replay_begin(struct replay *r, const struct mt_header *h)
{
	if (r->live)
		live_clear(r->live);
	else
		r->live = live_new();
	owned_clear(&r->owned);
	r->owned = (struct owned){ .live = r->live, .pid_of = pid_of };
	r->answer = provenance_is_answer(h);
	r->sampled = h->sample_bytes > 0;
	r->special = r->answer || r->sampled;
	r->live_variance = (struct variance){ 0 };
}

void replay_clear(struct replay *r)
{
	live_free(r->live);
	owned_clear(&r->owned);
	free(r->ending);
	*r = (struct replay){ .answer = false };
}

/* Takes an allocation that ends, or a part of it, off the variance. */
static __attribute__((noinline)) void vary_less(struct replay *r, struct amount gone)
{
	if (r->sampled)
		variance_sub(&r->live_variance, variance_of(gone));
}

/* Returns whether the allocation is open from now on. */
static __attribute__((noinline)) bool open_specially(struct replay *r, const struct mt_event *ev)
{
	struct variance v = variance_of(amount_of(ev->size, ev->weight));

	if (r->sampled)
		variance_add(&r->all_variance, v);
	if (r->sampled && !r->answer)
		variance_add(&r->live_variance, v);
	return !r->answer;
}

static struct share share_of(const struct block *b)
{
	return (struct share){ .amount = amount_of(b->size, b->weight), .key = b->key, .pid = b->thread };
}

HOT bool replay_open(struct replay *r, const struct mt_event *ev, uint32_t key, struct share *old)
{
	struct block b = { .size = ev->size, .weight = ev->weight, .key = key, .thread = ev->pid }, was;

	if (r->special && !open_specially(r, ev))
		return false;
	if (owned_kept(&r->owned))
		owned_add(&r->owned, ev->pid, ev->id);
	if (!live_open(r->live, ev->id, &b, &was))
		return false;
	*old = share_of(&was);
	if (was.weight != 1)
		vary_less(r, old->amount);
	return true;
}

/* flatten: called for each free, and live_close() has other callers now, so the compiler would not put it in here. */
__attribute__((flatten)) bool replay_close(struct replay *r, uint32_t id, struct share *ended)
{
	struct block b;

	if (!live_close(r->live, id, &b))
		return false;
	*ended = share_of(&b);
	if (b.weight != 1)
		vary_less(r, ended->amount);
	return true;
}

bool replay_resize(struct replay *r, const struct mt_event *ev, struct share *lost)
{
	struct block was;

	if (!live_shrink(r->live, ev->id, ev->size, &was))
		return false;
	*lost = share_of(&was);
	lost->amount = amount_lost(was.size, ev->size, was.weight);
	if (was.weight != 1 && r->sampled) {
		vary_less(r, amount_of(was.size, was.weight));
		variance_add(&r->live_variance, variance_of(amount_of(ev->size, was.weight)));
	}
	return true;
}

/* The cursor walks the open blocks twice: it is 2 n, then 2 n + 1, where that of live_each() is n. */
static bool exit_by_walk(struct replay *r, uint32_t pid, size_t *cursor, struct share *ended)
{
	uint32_t id;
	struct block b;

	for (;;) {
		size_t at = *cursor / 2, empty = *cursor % 2;
		bool more = live_each(r->live, &at, &id, &b);
		*cursor = more ? 2 * at + empty : 1;
		if (!more && empty)
			return false;
		if (more && b.thread == pid && (b.size == 0) == empty)
			return replay_close(r, id, ended);
	}
}

static bool exit_by_list(struct replay *r, size_t *cursor, struct share *ended)
{
	struct block b;

	while (*cursor < 2 * r->n_ending) {
		size_t at = (*cursor)++;
		bool empty = at >= r->n_ending;
		uint32_t id = r->ending[empty ? at - r->n_ending : at];
		if (live_find(r->live, id, &b) && (b.size == 0) == empty)
			return replay_close(r, id, ended);
	}
	return false;
}

bool replay_exit(struct replay *r, uint32_t pid, size_t *cursor, struct share *ended)
{
	if (*cursor == 0 && owned_instead_of_walk(&r->owned)) {
		free(r->ending);
		r->ending = owned_take(&r->owned, pid, &r->n_ending);
	}
	return owned_kept(&r->owned) ? exit_by_list(r, cursor, ended) : exit_by_walk(r, pid, cursor, ended);
}

bool replay_each(const struct replay *r, size_t *cursor, struct share *open)
{
	uint32_t id;
	struct block b;

	if (!live_each(r->live, cursor, &id, &b))
		return false;
	*open = share_of(&b);
	return true;
}

bool replay_is_exec(const struct mt_event *exit_)
{
	struct mt_str reason = mt_info_text(exit_->info, "reason");

	return exit_->kind == MT_EXIT && reason.n == 4 && memcmp(reason.p, "exec", 4) == 0;
}

void replay_blocks(struct live *live, const struct mt_event *ev, uint32_t key)
{
	struct block b;

	switch (ev->kind) {
	case MT_ALLOC:
		b = (struct block){ .size = ev->size, .weight = ev->weight, .key = key, .thread = ev->pid };
		live_open(live, ev->id, &b, NULL);
		break;
	case MT_FREE:
		live_close(live, ev->id, &b);
		break;
	case MT_RESIZE:
		live_shrink(live, ev->id, ev->size, &b);
		break;
	case MT_HEADER:
		live_clear(live);
		break;
	default:
		break;
	}
}
