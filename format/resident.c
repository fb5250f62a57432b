/*
 * resident.c - the memory of processes as the system sees it
 */
#include "resident.h"

#include <stdlib.h>

#include "xmalloc.h"

static struct resident_sizes *sizes_of(struct resident *r, uint32_t pid)
{
	uint32_t *n = pids_number(&r->pids, pid);

	if (*n == PIDS_NONE) {
		GROW(r->of, r->n, r->cap);
		*n = (uint32_t)r->n;
		r->of[r->n++] = (struct resident_sizes){ 0 };
	}
	return &r->of[*n];
}

const struct resident_sizes *resident_of(struct resident *r, uint32_t pid)
{
	return sizes_of(r, pid);
}

static void set(uint64_t *size, uint64_t *sum, uint64_t now)
{
	*sum += now - *size;
	*size = now;
}

static uint64_t size_in(const struct mt_event *ev, const char *key)
{
	int64_t size = mt_info_int(ev->info, key, 0);

	return size > 0 ? (uint64_t)size : 0;
}

bool resident_take(struct resident *r, const struct mt_event *ev)
{
	if (ev->kind != MT_RSS && ev->kind != MT_MEMORY && ev->kind != MT_EXIT)
		return false;
	struct resident_sizes *s = sizes_of(r, ev->pid);
	bool ended = ev->kind == MT_EXIT;

	if (ended || ev->kind == MT_RSS)
		set(&s->rss, &r->all.rss, ended ? 0 : ev->size);
	if (ended || ev->kind == MT_MEMORY) {
		set(&s->private, &r->all.private, ended ? 0 : size_in(ev, "private"));
		set(&s->proportional, &r->all.proportional, ended ? 0 : size_in(ev, "proportional"));
		set(&s->swap, &r->all.swap, ended ? 0 : size_in(ev, "swap"));
	}
	return true;
}

static void raise_one(uint64_t *most, uint64_t now)
{
	*most = now > *most ? now : *most;
}

void resident_raise(struct resident_sizes *most, const struct resident_sizes *now)
{
	raise_one(&most->rss, now->rss);
	raise_one(&most->private, now->private);
	raise_one(&most->proportional, now->proportional);
	raise_one(&most->swap, now->swap);
}

void resident_clear(struct resident *r)
{
	pids_clear(&r->pids);
	free(r->of);
	*r = (struct resident){ 0 };
}
