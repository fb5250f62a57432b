/*
 * lastwalk.c - the last Python stack that a thread has read
 */
#include "lastwalk.h"
#include "memory.h"
#include "thread_states.h"

#include <string.h>

#define FIRST_LEVELS 1024u
#define FIRST_CHUNKS 64u
#define FIRST_MARK 2u		/* new activations have 0 or 1 */
#define N_MARKS 254u

static struct thread_states all;
static uint32_t n_made;

uint32_t last_walk_count(void)
{
	return n_made;
}

static void reset(struct last_walk *t)
{
	t->ts = 0;
	t->n = t->n_chunks = 0;
	t->deaths = code_deaths();
	memset(t->steps, 0, sizeof t->steps);
}

static struct last_walk *make(void)
{
	struct last_walk *t = pages_new(sizeof *t);
	if (!t)
		return NULL;
	t->levels = pages_new(FIRST_LEVELS * sizeof *t->levels);
	t->fresh = pages_new(FIRST_LEVELS * sizeof *t->fresh);
	t->chunks = pages_new(FIRST_CHUNKS * sizeof *t->chunks);
	t->capacity = t->fresh_capacity = FIRST_LEVELS;
	t->chunk_capacity = FIRST_CHUNKS;
	if (t->levels && t->fresh && t->chunks) {
		t->mark = (uint8_t)(FIRST_MARK + __atomic_fetch_add(&n_made, 1, __ATOMIC_RELAXED) % N_MARKS);
		thread_states_add(&all, &t->state);
		return t;
	}
	pages_free(t->levels, FIRST_LEVELS * sizeof *t->levels);
	pages_free(t->fresh, FIRST_LEVELS * sizeof *t->fresh);
	pages_free(t->chunks, FIRST_CHUNKS * sizeof *t->chunks);
	pages_free(t, sizeof *t);
	return NULL;
}

COLD struct last_walk *last_walk_begin(struct last_walk *own, uint32_t epoch)
{
	struct last_walk *t = own ? own : (struct last_walk *)thread_states_take(&all);
	if (!t && !(t = make()))
		return NULL;
	t->epoch = epoch;
	reset(t);
		/* stamps of two states never collide */
	t->last_stamp = (t->last_stamp + ((uint64_t)(uintptr_t)t << 20) + (1u << 19)) | 1;
	return t;
}

void last_walk_forked(struct last_walk *own)
{
	thread_states_forked(&all, own ? &own->state : NULL);
	if (own)
		reset(own);
}

bool last_walk_grow_fresh(struct last_walk *t)
{
	struct level *p = pages_grow(t->fresh, &t->fresh_capacity, t->n_fresh, sizeof *p);
	if (p)
		t->fresh = p;
	return p != NULL;
}

bool last_walk_grow(struct last_walk *t, uint32_t n)
{
	while (t->capacity < n) {
		struct level *p = pages_grow(t->levels, &t->capacity, t->n, sizeof *p);
		if (!p)
			return false;
		t->levels = p;
	}
	return true;
}

bool last_walk_grow_chunks(struct last_walk *t, uint32_t n, uint32_t n_kept)
{
	while (t->chunk_capacity < n) {
		struct stamped *p = pages_grow(t->chunks, &t->chunk_capacity, n_kept, sizeof *p);
		if (!p)
			return false;
		t->chunks = p;
	}
	return true;
}

COLD void last_walk_spoil_dead(struct last_walk *t)
{
	uint32_t first = t->deaths + 1, last = code_deaths();
	for (uint32_t d = first; d - 1 != last && last - first < CODE_DEAD_KEPT / 2; d++) {
		uintptr_t dead = __atomic_load_n(&code_dead[d % CODE_DEAD_KEPT], __ATOMIC_RELAXED);
		for (uint32_t i = 0; i < t->n; i++)
			if (t->levels[i].code == dead)
				t->levels[i].key = KEY_SPOILT;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (code_deaths() - first >= CODE_DEAD_KEPT / 2)
		t->n = 0;		/* too many died for all to be in code_dead */
	t->deaths = last;
}
