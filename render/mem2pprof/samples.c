/*
 * samples.c - the samples of a profile
 */
#include "samples.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

void sample_table_init(struct sample_table *s, bool sizes)
{
	/* Spans and processes need no stacks. */
	*s = (struct sample_table){
		.sizes = sizes,
		.spans = origins_new(ORIGINS_SPAN, NULL),
		.processes = origins_new(ORIGINS_PROCESS, NULL),
	};
}

void sample_table_clear(struct sample_table *s)
{
	origins_free(s->spans);
	origins_free(s->processes);
	index_clear(&s->index);
	free(s->keys);
	free(s->written);
	*s = (struct sample_table){ 0 };
}

static bool holds(const void *keys, uint32_t n, const void *key)
{
	const struct sample_key *a = (const struct sample_key *)keys + n, *b = key;

	return a->size == b->size && a->stack == b->stack && a->thread == b->thread && a->span == b->span &&
	       a->process == b->process && a->allocator == b->allocator;
}

static uint64_t hash_of(const struct sample_key *k)
{
	uint64_t h = index_hash(index_hash(k->size, k->stack), (uint64_t)k->thread << 32 | k->span);

	return index_hash(h, (uint64_t)k->process << 8 | k->allocator);
}

uint32_t sample_number(void *table, const struct tally *t, const struct mt_event *ev)
{
	struct sample_table *s = table;
	struct sample_key key = {
		.size = s->sizes ? ev->size : 0,
		.stack = stacks_number(t->stacks, ev->stack),
		.thread = threads_number(t->threads, ev->pid, ev->tid),
		.span = origins_number(s->spans, ev),
		.process = origins_number(s->processes, ev),
		.allocator = ev->allocator,
	};
	uint32_t n = index_put(&s->index, hash_of(&key), holds, s->keys, &key, s->n);

	if (n == s->n) {
		GROW(s->keys, (size_t)n, s->cap);
		s->keys[s->n++] = key;
	}
	return n;
}

void sample_take(void *table, const struct mt_event *ev)
{
	struct sample_table *s = table;

	origins_take(s->spans, ev);
	origins_take(s->processes, ev);
}

struct amount sample_new(const struct sample_table *s, const struct tally *t, uint32_t n)
{
	struct amount all = t->all[n];

	if (n < s->n_written) {
		all.bytes -= s->written[n].bytes;
		all.count -= s->written[n].count;
	}
	return all;
}

void sample_table_written(struct sample_table *s, const struct tally *t)
{
	if (s->n == 0)
		return;
	s->written = xreallocarray(s->written, s->n, sizeof *s->written);
	memcpy(s->written, t->all, s->n * sizeof *s->written);
	s->n_written = s->n;
}
