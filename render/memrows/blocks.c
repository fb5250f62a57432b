/*
 * blocks.c - what becomes of each block: freed, leaked, made while Python shut down, dropped by an exec
 *
 * `open` has the live blocks with their places instead of their stacks. Those that are live when an interpreter
 * begins to shut down have leaked; they move to `leaked`, because whether the shutdown frees them is known only later.
 */
#include "blocks.h"

#include <stdlib.h>

#include "ending.h"
#include "open_blocks.h"
#include "provenance.h"
#include "replay.h"
#include "xmalloc.h"

#define SHUTDOWN (UINT32_C(1) << 31)	/* a bit of the place: made while the interpreter shut down */

struct blocks {
	struct open_blocks *open, *leaked;
	struct ending ending;
	bool answer;
	uint64_t last_ms;
	blocks_put *put;
	void *arg;
};

static void begin(struct blocks *b, const struct mt_header *h)
{
	open_blocks_begin(b->open, h);
	open_blocks_begin(b->leaked, h);
	ending_begin(&b->ending, h);
	b->answer = provenance_is_answer(h);
	b->last_ms = 0;
}

struct blocks *blocks_new(const struct mt_header *h, blocks_put *put, void *arg)
{
	struct blocks *b = xcalloc(1, sizeof *b);

	b->open = open_blocks_new();
	b->leaked = open_blocks_new();
	b->put = put;
	b->arg = arg;
	begin(b, h);
	return b;
}

void blocks_free(struct blocks *b)
{
	open_blocks_free(b->open);
	open_blocks_free(b->leaked);
	ending_clear(&b->ending);
	free(b);
}

/* ---------------------------------------------------------------- ends */

static void put_block(const struct blocks *b, const struct mt_event *was, enum fate fate, bool freed)
{
	bool shutdown = was->stack & SHUTDOWN;

	if (shutdown && fate != FATE_EXEC)
		fate = FATE_SHUTDOWN;
	b->put(b->arg, &(struct ended_block){
		.place = was->stack & ~SHUTDOWN,
		.size = was->size,
		.weight = was->weight,
		.born_ms = was->time_ms,
		.died_ms = b->last_ms,
		.has_died = fate != FATE_LEAKED && fate != FATE_UNKNOWN,
		.freed = freed,
		.fate = fate,
	});
}

static void put_freed(const struct blocks *b, const struct mt_event *was)
{
	put_block(b, was, FATE_FREED, true);
}

static void put_part(const struct blocks *b, const struct mt_event *was, uint64_t left)
{
	if (was->size == left)
		return;
	b->put(b->arg, &(struct ended_block){
		.place = was->stack & ~SHUTDOWN,
		.size = was->size - left,
		.weight = was->weight,
		.part = true,
		.born_ms = was->time_ms,
		.died_ms = b->last_ms,
		.has_died = true,
		.freed = true,
		.fate = was->stack & SHUTDOWN ? FATE_SHUTDOWN : FATE_FREED,
	});
}

/* The shutdown of a process begins: what is live has leaked. */
static void begin_shutdown(struct blocks *b, uint32_t pid)
{
	struct mt_event was = { .kind = MT_ALLOC }, older;

	for (size_t cursor = 0; open_blocks_exit(b->open, pid, &cursor, &was);)
		if (open_blocks_open(b->leaked, &was, &older))
			put_block(b, &older, FATE_LEAKED, true);
}

static void exit_process(struct blocks *b, const struct mt_event *ev)
{
	struct mt_event was;

	for (size_t cursor = 0; open_blocks_exit(b->leaked, ev->pid, &cursor, &was);)
		put_block(b, &was, FATE_LEAKED, false);
	for (size_t cursor = 0; open_blocks_exit(b->open, ev->pid, &cursor, &was);)
		put_block(b, &was, replay_is_exec(ev) ? FATE_EXEC : FATE_LEAKED, false);
}

void blocks_end(struct blocks *b)
{
	struct mt_event was;

	for (size_t cursor = 0; open_blocks_each(b->leaked, &cursor, &was);)
		put_block(b, &was, FATE_LEAKED, false);
	for (size_t cursor = 0; open_blocks_each(b->open, &cursor, &was);)
		put_block(b, &was, FATE_LEAKED, false);
	open_blocks_clear(b->leaked);
	open_blocks_clear(b->open);
}

/* ---------------------------------------------------------------- events */

/* Ends the block of that id among those that leaked, if there is one: the shutdown freed it. */
static bool close_leaked(struct blocks *b, uint32_t id)
{
	struct mt_event was;

	if (!open_blocks_count(b->leaked) || !open_blocks_close(b->leaked, id, &was))
		return false;
	put_block(b, &was, FATE_LEAKED, true);
	return true;
}

void blocks_alloc(struct blocks *b, const struct mt_event *ev, uint32_t place)
{
	struct mt_event alloc = *ev, was;

	if (ev->time_ms > b->last_ms)
		b->last_ms = ev->time_ms;
	alloc.stack = place;
	if (b->answer) {
		put_block(b, &alloc, FATE_UNKNOWN, false);
		return;
	}
	if (ending_has(&b->ending, ev->pid))
		alloc.stack |= SHUTDOWN;
	close_leaked(b, ev->id);
	if (open_blocks_open(b->open, &alloc, &was))
		put_freed(b, &was);
}

void blocks_take(struct blocks *b, const struct mt_event *ev, const struct mt_header *h)
{
	struct mt_event was;

	if (ev->kind != MT_HEADER && ev->time_ms > b->last_ms)
		b->last_ms = ev->time_ms;
	switch (ev->kind) {
	case MT_FREE:
		if (!close_leaked(b, ev->id) && open_blocks_close(b->open, ev->id, &was))
			put_freed(b, &was);
		break;
	case MT_RESIZE:
		if (open_blocks_resize(b->open, ev, &was))
			put_part(b, &was, ev->size);
		break;
	case MT_PROCESS:
		if (ending_take(&b->ending, ev))
			begin_shutdown(b, ev->pid);
		break;
	case MT_EXIT:
		ending_take(&b->ending, ev);
		exit_process(b, ev);
		break;
	case MT_END:
		blocks_end(b);
		break;
	case MT_HEADER:
		blocks_end(b);
		begin(b, h);
		break;
	default:
		break;
	}
}
