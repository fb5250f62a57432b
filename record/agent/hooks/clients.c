/*
 * clients.c - programs that report the blocks of their own pools (record/memrec.h)
 *
 * Each object that does so has a note with the place of its calls: pointers, which are NULL while it is not recorded.
 */
#include "clients.h"

#include <string.h>

#include "object.h"
#include "record.h"

#define NOTE_NAME "memrec"
#define NOTE_TYPE 1

/* As in record/memrec.h. */
struct calls {
	void (*alloc)(const void *, size_t);
	void (*free)(const void *);
	int (*hide)(int);
};

static void begins(const void *p, size_t n)
{
	if (p)
		record_alloc(WIRE_POOL, (void *)(uintptr_t)p, n);
}

static void ends(const void *p)
{
	if (p)
		record(WIRE_FREE, p, 0);
}

/* Returns the state to restore. The agent's own states stay as they are. */
static int hide(int state)
{
	uint8_t now = ring_local.guard;
	if (state < 0 && now == GUARD_NONE)
		ring_local.guard = GUARD_DROP;
	else if (state == GUARD_NONE && now == GUARD_DROP)
		ring_local.guard = GUARD_NONE;
	return now;
}

static void connect_calls(struct calls *c, bool connect)
{
	__atomic_store_n(&c->alloc, connect ? begins : NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&c->free, connect ? ends : NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&c->hide, connect ? hide : NULL, __ATOMIC_RELAXED);
}

struct task {
	const void *only;	/* the calls at this address; NULL: all */
	bool connect;
};

static void apply(const struct task *task, const struct object *o, uintptr_t at)
{
	if (at >= o->start && at + sizeof(struct calls) <= o->end && at % sizeof(void *) == 0 &&
	    (!task->only || (uintptr_t)task->only == at))
		connect_calls((struct calls *)at, task->connect);
}

/* Applies the task if the note at an address is one of ours. Returns the address of the next one, or `end`. */
static uintptr_t visit_note(const struct task *task, const struct object *o, uintptr_t at, uintptr_t end,
			    uintptr_t align)
{
	ElfW(Nhdr) h;
	int64_t distance;
	if (end - at < sizeof h)
		return end;
	memcpy(&h, (const void *)at, sizeof h);
	uint64_t name = at + sizeof h, value = name + (((uint64_t)h.n_namesz + align) & ~align);
	uint64_t next = value + (((uint64_t)h.n_descsz + align) & ~align);
	if (next > end)
		return end;
	if (h.n_type == NOTE_TYPE && h.n_namesz == sizeof NOTE_NAME && h.n_descsz == sizeof distance &&
	    memcmp((const void *)name, NOTE_NAME, sizeof NOTE_NAME) == 0) {
		memcpy(&distance, (const void *)value, sizeof distance);
		apply(task, o, value + (uintptr_t)distance);
	}
	return next;
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object o;
	(void)size;
	if (!object_read(&o, info))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_NOTE)
			continue;
		uintptr_t at = info->dlpi_addr + p->p_vaddr, end = at + p->p_memsz;
		while (at < end)
			at = visit_note(context, &o, at, end, p->p_align == 8 ? 7 : 3);
	}
	return 0;
}

void clients_announced(const void *at)
{
	uint8_t guard = guard_set(GUARD_DROP);
	dl_iterate_phdr(visit, &(struct task){ at, true });
	guard_reset(guard);
}

void clients_connect(void)
{
	dl_iterate_phdr(visit, &(struct task){ NULL, true });
}

void clients_disconnect(void)
{
	dl_iterate_phdr(visit, &(struct task){ NULL, false });
}

HOOK void memrec_agent_alloc(const void *p, size_t n)
{
	begins(p, n);
}

HOOK void memrec_agent_free(const void *p)
{
	ends(p);
}
