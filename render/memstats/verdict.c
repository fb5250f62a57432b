/*
 * verdict.c - why resident memory is as large as it is
 */
#include "verdict.h"

#include <stdlib.h>

#include "census_rows.h"
#include "xmalloc.h"

/* Less than this, or than a quarter of the resident memory, needs no cause. */
#define LITTLE_BYTES (UINT64_C(16) << 20)

static struct pins *pins_of(struct judge *j, uint32_t pid)
{
	uint32_t n = *pids_number(&j->pids, pid);

	return n == PIDS_NONE ? NULL : &j->at[n].pins;
}

static void begin_census(struct judge *j, uint32_t pid)
{
	uint32_t *n = pids_number(&j->pids, pid);

	if (*n == PIDS_NONE) {
		*n = (uint32_t)j->n;
		GROW(j->at, j->n, j->cap);
		j->at[j->n++] = (struct census_of){ .pid = pid };
	}
	pins_begin(&j->at[*n].pins);
}

static void take_blocks(struct pins *p, const struct mt_event *ev, const struct live *live,
			bool (*is_memory)(uint32_t key))
{
	struct census_reading reading;
	struct census_entry e;
	struct block b;

	census_reading_begin(&reading, ev->info);
	while (census_reading_next(&reading, &e))
		if (live_find(live, e.id, &b) && b.thread == ev->pid && is_memory(b.key))
			pins_add_block(p, e.addr, b.size, 0);
	census_reading_clear(&reading);
}

void judge_take(struct judge *j, const struct mt_event *ev, const struct live *live, bool (*is_memory)(uint32_t key))
{
	struct pins *p;

	if (ev->kind == MT_CENSUS)
		begin_census(j, ev->pid);
	p = pins_of(j, ev->pid);
	if (p && ev->kind == MT_BLOCKS)
		take_blocks(p, ev, live, is_memory);
	if (p && ev->kind == MT_PAGES)
		pins_add_pages(p, ev);
}

void judge_begin(struct judge *j)
{
	pids_clear(&j->pids);
}

struct verdict judge_verdict(struct judge *j, bool sampled)
{
	struct verdict v = { .kind = VERDICT_NONE };
	uint64_t pinned = 0;

	for (size_t i = 0; i < j->n; i++) {
		struct pins *p = &j->at[i].pins;
		if (!pins_solve(p))
			continue;
		v.kind = VERDICT_IN_USE;
		v.resident += p->all.resident;
		v.unused += p->all.free + p->all.between;
		v.trim += pins_trim(p);
		pinned += p->held + p->all.between;
	}
	if (v.kind == VERDICT_NONE)
		return v;
	if (sampled)
		v.kind = VERDICT_UNKNOWN;
	else if (v.unused >= LITTLE_BYTES && v.unused >= v.resident / 4)
		v.kind = pinned >= v.unused / 2 ? VERDICT_FRAGMENTATION : VERDICT_CACHE;
	return v;
}

void judge_clear(struct judge *j)
{
	for (size_t i = 0; i < j->n; i++)
		pins_clear(&j->at[i].pins);
	free(j->at);
	pids_clear(&j->pids);
	*j = (struct judge){ 0 };
}
