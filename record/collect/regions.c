/*
 * regions.c - the mappings of one process
 */
#include "regions.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

static uint64_t page_up(uint64_t n)
{
	return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

void regions_clear(struct regions *r)
{
	free(r->at);
	*r = (struct regions){ 0 };
}

/* Returns the index of the first range that ends after addr. */
static size_t find(const struct regions *r, uint64_t addr)
{
	size_t low = 0, high = r->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (r->at[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void insert(struct regions *r, size_t i, const struct region *new)
{
	GROW(r->at, r->n, r->cap);
	memmove(&r->at[i + 1], &r->at[i], (r->n - i) * sizeof *r->at);
	r->at[i] = *new;
	r->n++;
}

static void delete(struct regions *r, size_t i)
{
	r->n--;
	memmove(&r->at[i], &r->at[i + 1], (r->n - i) * sizeof *r->at);
}

void regions_put(struct regions *r, const struct region *new)
{
	struct region rounded = *new;
	rounded.end = rounded.start + page_up(new->end - new->start);
	rounded.padding = rounded.end - new->end;
	insert(r, find(r, new->start), &rounded);
}

static void split(struct regions *r, size_t i, uint64_t start, uint64_t end, const struct region_changes *changes)
{
	struct region right = r->at[i];
	uint64_t size = region_size(&right);
	right.start = end;
	r->at[i].end = start;
	r->at[i].padding = 0;
	changes->shrunk(changes->arg, &r->at[i], size - region_size(&r->at[i]));
	changes->split(changes->arg, &right);
	insert(r, i + 1, &right);
}

void regions_cut(struct regions *r, uint64_t start, uint64_t size, const struct region_changes *changes)
{
	uint64_t end = start + page_up(size);
	for (size_t i = find(r, start); i < r->n && r->at[i].start < end;) {
		struct region *at = &r->at[i];
		if (start <= at->start && at->end <= end) {
			struct region gone = *at;
			delete(r, i);
			changes->gone(changes->arg, &gone);
			continue;
		}
		if (at->start < start && end < at->end) {
			split(r, i, start, end, changes);
			return;
		}
		uint64_t was = region_size(at);
		if (start <= at->start) {
			at->start = end;
		} else {
			at->end = start;
			at->padding = 0;
		}
		changes->shrunk(changes->arg, at, was - region_size(at));
		i++;
	}
}

bool regions_next(const struct regions *r, uint64_t *start, uint64_t end, struct region *at)
{
	size_t i = find(r, *start);
	if (i == r->n || r->at[i].start >= end)
		return false;
	*at = r->at[i];
	if (*start < at->start)
		*start = at->start;
	return true;
}

bool regions_take(struct regions *r, uint64_t start, uint64_t size, struct region *was)
{
	size_t i = find(r, start);
	if (i == r->n || r->at[i].start != start || r->at[i].end != start + page_up(size))
		return false;
	*was = r->at[i];
	delete(r, i);
	return true;
}
