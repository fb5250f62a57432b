/*
 * mappings.c - applies the records of mmap, munmap, mremap and mprotect
 */
#include "mappings.h"

#include "traced.h"
#include "xmalloc.h"

/* The context for callbacks of regions.c: the process, and the record that caused the change. */
struct cut {
	struct process *p;
	const struct wire_slot *s;
	struct traced_thread *remember;	/* keeps ranges that are removed whole, in case the unmap failed; or NULL */
};

static uint64_t counted(const struct region *r)
{
	return mt_is_memory(r->allocator) && !r->apart ? region_size(r) : 0;
}

static void region_gone(void *arg, const struct region *r)
{
	struct cut *cut = arg;
	put_free(cut->p, cut->s, r->id, counted(r));
	struct traced_thread *t = cut->remember;
	if (!t)
		return;
	GROW(t->cut, t->n_cut, t->cap_cut);
	t->cut[t->n_cut++] = *r;
}

static void region_shrunk(void *arg, const struct region *r, uint64_t lost)
{
	struct cut *cut = arg;
	if (mt_is_memory(r->allocator) && !r->apart)
		process_live(cut->p, 0, lost);
	struct mt_event ev = {
		.kind = MT_RESIZE, .pid = (uint32_t)cut->p->pid, .tid = cut->s->tid, .id = r->id,
		.size = region_size(r),
	};
	output_put(cut->p->out, &ev, slot_ms(cut->p, cut->s));
}

static void region_split(void *arg, struct region *right)
{
	struct cut *cut = arg;
	right->apart = is_apart(cut->p);
	right->id = put_alloc(cut->p, cut->s, right->allocator, region_size(right), 1, right->stack);
}

/* Returns false for a range that no process can have: a call with bad arguments, or an invented record. */
static bool is_in_memory(const struct wire_slot *s)
{
	return s->size <= UINT64_MAX - PAGE_BYTES && s->addr <= UINT64_MAX - PAGE_BYTES - s->size;
}

static void cut_range(struct process *p, const struct wire_slot *s, uint64_t start, uint64_t size,
		      struct traced_thread *remember)
{
	struct cut cut = { p, s, remember };
	const struct region_changes changes = { region_gone, region_shrunk, region_split, &cut };
	regions_cut(&p->regions, start, size, &changes);
}

static void cut_regions(struct process *p, const struct wire_slot *s, struct traced_thread *remember)
{
	if (is_in_memory(s))
		cut_range(p, s, s->addr, s->size, remember);
}

static void put_region(struct process *p, const struct wire_slot *s, struct region *r)
{
	r->apart = is_apart(p);
	r->id = put_alloc(p, s, r->allocator, r->end - r->start, 1, r->stack);
	regions_put(&p->regions, r);
}

void mappings_map(struct process *p, const struct wire_slot *s)
{
	if (!is_in_memory(s)) {
		process_refuse(p, "a mapping outside the address space");
		return;
	}
	struct traced_thread *t = thread_of(p, s->tid);
	struct region new = {
		.start = s->addr, .end = s->addr + s->size, .allocator = s->kind, .stack = stack_at(p, s),
	};
	if (s->kind == WIRE_ARENA) {
		new.allocator = MT_MMAP;
		new.stack = output_stack(p->out, new.stack, phases_frame(p->out, LABEL_ARENA));
	}
	/* a reservation keeps its kind, and so does a file's mapping */
	if (s->kind == WIRE_MREMAP && t->pending >= PENDING_REMAP) {
		if (!mt_is_memory(t->region.allocator))
			new.allocator = t->region.allocator;
		if (t->pending == PENDING_REMAP)
			put_free(p, s, t->region.id, counted(&t->region));
		t->pending = PENDING_NONE;
	}
	cut_regions(p, s, NULL);	/* MAP_FIXED replaces mappings */
	put_region(p, s, &new);
}

/* Changes the kind of part of a range. A reservation made usable is attributed to the stack that does so. */
static void convert_part(struct process *p, const struct wire_slot *s, const struct region *r, uint64_t start,
			 uint64_t end)
{
	uint64_t asked = r->end - r->padding;
	struct region new = {
		.start = start, .end = end < asked ? end : asked, .allocator = MT_MMAP_RESERVED, .stack = r->stack
	};
	if (new.start >= new.end)
		return;
	if (s->kind == WIRE_PROTECT) {
		new.allocator = MT_MMAP;
		new.stack = stack_at(p, s);
	}
	cut_range(p, s, start, end - start, NULL);
	put_region(p, s, &new);
}

static bool is_converted(const struct wire_slot *s, unsigned allocator)
{
	return s->kind == WIRE_PROTECT ? allocator == MT_MMAP_RESERVED : allocator == MT_MMAP || allocator == MT_MREMAP;
}

void mappings_protect(struct process *p, const struct wire_slot *s)
{
	if (!is_in_memory(s))
		return;
	uint64_t start = s->addr, end = s->addr + ((s->size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
	for (struct region r; regions_next(&p->regions, &start, end, &r);) {
		uint64_t stop = r.end < end ? r.end : end;
		if (is_converted(s, r.allocator))
			convert_part(p, s, &r, start, stop);
		start = stop;
	}
}

void mappings_unmap(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	t->n_cut = 0;
	cut_regions(p, s, t);
}

/* Happens only to a process at its limit of mappings: the mappings removed whole exist again. */
void mappings_unmap_failed(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	for (size_t i = 0; i < t->n_cut; i++) {
		struct region *r = &t->cut[i];
		r->apart = is_apart(p);
		r->id = put_alloc(p, s, r->allocator, region_size(r), 1, r->stack);
		r->end -= r->padding;
		regions_put(&p->regions, r);
	}
	t->n_cut = 0;
}

void mappings_remap_begin(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	t->pending = PENDING_NONE;
	if (is_in_memory(s) && regions_take(&p->regions, s->addr, s->size, &t->region)) {
		t->pending = PENDING_REMAP;
		return;
	}
	uint64_t start = s->addr;
	if (is_in_memory(s) && regions_next(&p->regions, &start, s->addr + 1, &t->region))
		t->pending = PENDING_REMAP_PART;
	mappings_unmap(p, s);	/* a part of a mapping */
}

void mappings_remap_failed(struct process *p, const struct wire_slot *s)
{
	struct traced_thread *t = thread_of(p, s->tid);
	bool whole = t->pending == PENDING_REMAP;
	t->pending = PENDING_NONE;
	if (!whole) {
		mappings_unmap_failed(p, s);
		return;
	}
	t->region.end -= t->region.padding;
	regions_put(&p->regions, &t->region);
}
