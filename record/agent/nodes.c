/*
 * nodes.c - stacks as numbers
 *
 * One open-addressing table, entries never change and never go. Read without
 * a lock, written under one. It grows by doubling: the old table's pages are
 * given back at once but stay mapped, so that a late reader finds it empty and
 * takes the lock.
 */
#include "nodes.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"
#include "../wire.h"

#define FIRST_SIZE 4096u
#define PAGE 4096u

struct node {
	uint32_t id;			/* stored last; 0: the entry is free */
	uint32_t parent;
	uint64_t what;			/* Python: code and instruction; native: the address, and what it runs */
};

/* A page of its own for the head, so that the rest can be given back. */
struct node_table {
	uint32_t mask, used;
	char pad[PAGE - 8];
	struct node e[];
};

static struct lock lock;
static struct node_table *nodes;
static uint32_t last_id;

static uint32_t node_hash(uint32_t parent, uint64_t what)
{
	uint64_t x = (parent ^ what) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29 ^ (uint64_t)parent << 32) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

/* The entry of this node, or the free one where it belongs. */
static struct node *node_find(struct node_table *t, uint32_t parent, uint64_t what)
{
	for (uint32_t i = node_hash(parent, what) & t->mask;; i = (i + 1) & t->mask) {
		struct node *n = &t->e[i];
		if (__atomic_load_n(&n->id, __ATOMIC_ACQUIRE) == 0 || (n->parent == parent && n->what == what))
			return n;
	}
}

static struct node_table *table_new(uint32_t size)
{
	struct node_table *t = pages_new(sizeof *t + (size_t)size * sizeof t->e[0]);
	if (t)
		t->mask = size - 1;
	return t;
}

/* Zeroes for late readers. Entries are whole pages: FIRST_SIZE * 16 bytes and more. */
static void table_retire(struct node_table *t)
{
	size_t size = ((size_t)t->mask + 1) * sizeof t->e[0];
	if (syscall(SYS_madvise, t->e, size, MADV_DONTNEED) < 0)
		memset(t->e, 0, size);		/* locked in memory */
}

/* Room for one more. False: no memory and full. */
static bool nodes_grow(void)
{
	struct node_table *old = nodes;
	uint32_t size = old ? old->mask + 1 : 0;
	if (old && old->used < size / 3 * 2)
		return true;
	struct node_table *t = last_id < UINT32_MAX / 4 ? table_new(size ? size * 2 : FIRST_SIZE) : NULL;
	if (!t)
		return old && old->used < size / 16 * 15;
	for (uint32_t i = 0; i < size; i++)
		if (old->e[i].id)
			*node_find(t, old->e[i].parent, old->e[i].what) = old->e[i];
	t->used = old ? old->used : 0;
	__atomic_store_n(&nodes, t, __ATOMIC_RELEASE);
	if (old)
		table_retire(old);
	return true;
}

/* Tell the collector, then everybody. */
static uint32_t node_publish(struct node *n, uint8_t kind, uint32_t parent, uint64_t what)
{
	uint32_t id = ++last_id;
	ring_put(kind, what, (uint64_t)id << 32 | parent, 0);
	n->parent = parent;
	n->what = what;
	__atomic_store_n(&n->id, id, __ATOMIC_RELEASE);
	nodes->used++;
	return id;
}

COLD uint32_t node_add(uint8_t kind, uint32_t parent, uint64_t what)
{
	uint32_t id = NODE_NONE;
	lock_take(&lock);
	if (nodes_grow()) {
		struct node *n = node_find(nodes, parent, what);
		id = n->id ? n->id : node_publish(n, kind, parent, what);
	}
	lock_drop(&lock);
	return id;
}

uint32_t node_known(uint32_t parent, uint64_t what)
{
	struct node_table *t = __atomic_load_n(&nodes, __ATOMIC_ACQUIRE);
	if (UNLIKELY(t == NULL))
		return 0;
	struct node *n = node_find(t, parent, what);
	uint32_t id = __atomic_load_n(&n->id, __ATOMIC_ACQUIRE);
	return LIKELY(n->parent == parent && n->what == what) ? id : 0;
}

uint32_t node_child(uint32_t parent, uint32_t code, int32_t lasti)
{
	uint64_t what = code | (uint64_t)(uint32_t)lasti << 32;
	uint32_t id = node_known(parent, what);
	return LIKELY(id != 0) ? id : node_add(WIRE_NODE, parent, what);
}

void nodes_forked(void)
{
	lock = (struct lock){ 0 };
	nodes = NULL;
	last_id = 0;
}

void nodes_restarted(void)
{
	if (nodes) {
		table_retire(nodes);
		nodes->used = 0;
	}
	last_id = 0;
}
