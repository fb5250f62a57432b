/*
 * nodes.c - stacks as numbers
 *
 * A new stack ends in a chain of new nodes, and the cost of finding or adding
 * nodes is cache misses. Most nodes have only one child, so the first child is
 * kept in the node itself: below a new node no lookup is needed, and as numbers
 * are assigned in order, a chain is written to consecutive entries. Only second
 * and later children, and the children of roots, are in a hash table.
 *
 * Within an epoch, entries never change and are never removed. They are read without a lock and
 * written under one. Nodes are kept in segments, each as large as all segments
 * before it, which never move. The table uses open addressing and doubles when it
 * grows: the memory of the old table is released at once but stays mapped, so a late reader finds it empty
 * and takes the lock. An entry's index is the upper bits of its hash, so growing
 * reads one table and writes the other sequentially.
 *
 * A new epoch empties the segments and the table in the same way. A late reader may then find nodes of
 * both epochs, but no other memory; it reads node_epoch afterwards.
 */
#include "nodes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"
#include "memory.h"
#include "ring.h"
#include "system_call.h"
#include "wire.h"

#define FIRST_SIZE 4096u
#define PAGE 4096u
#define HUGE_PAGE (2ul << 20)
/*
 * Nodes of an epoch at first, and at most: 4 MiB, 16 MiB for their first children, and as much for the table, which is
 * limited to as many entries. Most programs import their packages, and run in few places then: their early nodes are
 * not needed again. A program that goes on filling epochs gets larger ones, so that it finds more of its nodes again.
 */
#define FIRST_LIMIT (1u << 18)
#define LIMIT (1u << 20)
#define FULL_EPOCHS 4			/* of one size */
#define MOST_NODES (1u << WIRE_EPOCH_SHIFT)
#define MANY_UNUSED (1u << 16)		/* nodes that may remain after an unloading */

/* A node's entry: its first child. */
struct first {
	uint64_t what;
	uint32_t id;			/* stored last; 0: no child */
};

#define LOG2_FIRST_SEGMENT 12		/* log2 of the number of nodes in each of the first two segments */
#define SEGMENTS (WIRE_EPOCH_SHIFT - LOG2_FIRST_SEGMENT + 1)

#define NODES_PER_PAGE (PAGE / (uint32_t)sizeof(struct first))

/* A second or later child. */
struct node {
	uint32_t id;			/* stored last; 0: the entry is free */
	uint32_t parent;
	uint64_t what;			/* Python: code and instruction; native: address and WIRE_RUNS */
};

/* The head has a page of its own, so that the rest can be released. */
struct node_table {
	uint32_t mask, used, shift;
	char pad[PAGE - 12];
	struct node e[];
};

static struct lock lock;
static struct node_table *nodes;
static struct first *segments[SEGMENTS];
static uint32_t last;			/* node of this epoch */
static uint32_t epoch_bits;		/* of their numbers */
static bool is_full;
uint32_t node_epoch = 1, node_generation = 1;
static uint32_t n_full;			/* epochs of this size that were filled */
uint32_t nodes_limit = FIRST_LIMIT;

#ifdef NATIVE_VERIFY
__attribute__((constructor)) static void limit_for_test(void)
{
	if (getenv("NODES_LIMIT"))
		nodes_limit = (uint32_t)strtoul(getenv("NODES_LIMIT"), NULL, 10);
}
#endif

/* ---------------------------------------------------------------- pages */

/* Access is random, and with small pages each access misses the TLB: large tables use huge pages if available. */
static char *pages_large(size_t head, size_t bytes)
{
	bool huge = bytes >= HUGE_PAGE;
	char *p = pages_new(head + bytes + (huge ? HUGE_PAGE : 0));
	if (p && huge) {
		pages_count(-(int64_t)HUGE_PAGE);	/* never touched */
		p += HUGE_PAGE - head - ((uintptr_t)p & (HUGE_PAGE - 1));
		system_call(SYS_madvise, p + head, bytes, MADV_HUGEPAGE);
	}
	return p;
}

/* Zeroes whole pages by releasing them. */
static void pages_empty(void *p, size_t bytes)
{
	if (system_call(SYS_madvise, p, bytes, MADV_DONTNEED) < 0)
		memset(p, 0, bytes);		/* the pages are locked in memory */
}

/* ---------------------------------------------------------------- first children */

/* The segment of a node of an epoch, the segment's first node, and its size. */
struct extent { uint32_t segment, start, size; };

static inline struct extent place_of(uint32_t n)
{
	uint32_t log2 = 31 - (uint32_t)__builtin_clz(n | 1);
	if (log2 < LOG2_FIRST_SEGMENT)
		return (struct extent){ 0, 0, 1u << LOG2_FIRST_SEGMENT };
	return (struct extent){ log2 - LOG2_FIRST_SEGMENT + 1, 1u << log2, 1u << log2 };
}

static inline struct first *first_of(uint32_t node)
{
	uint32_t n = WIRE_NODE_INDEX(node);
	struct extent at = place_of(n);
	return &segments[at.segment][n - at.start];
}

/* A root has so many children that keeping the first apart gains nothing. */
static inline bool is_root(uint32_t node)
{
	return node == NODE_ROOT || (node & WIRE_NATIVE_ROOT) != 0;
}

/* ---------------------------------------------------------------- other children */

static uint32_t node_hash(uint32_t parent, uint64_t what)
{
	uint64_t x = (parent ^ what) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29 ^ (uint64_t)parent << 32) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

/* Returns the entry of this node, or the free entry where it belongs. */
static struct node *node_find(struct node_table *t, uint32_t parent, uint64_t what)
{
	for (uint32_t i = node_hash(parent, what) >> t->shift;; i = (i + 1) & t->mask) {
		struct node *n = &t->e[i];
		if (__atomic_load_n(&n->id, __ATOMIC_ACQUIRE) == 0 || (n->parent == parent && n->what == what))
			return n;
	}
}

static struct node_table *table_new(uint32_t size)
{
	struct node_table *t = (void *)pages_large(sizeof *t, (size_t)size * sizeof t->e[0]);
	if (t) {
		t->mask = size - 1;
		t->shift = (uint32_t)__builtin_clz(size) + 1;
	}
	return t;
}

/* Late readers then read zeroes. The entries fill whole pages: at least FIRST_SIZE * 16 bytes. */
static void table_retire(struct node_table *t)
{
	size_t bytes = ((size_t)t->mask + 1) * sizeof t->e[0];
	pages_empty(t->e, bytes);
	pages_count(-(int64_t)bytes);
}

/* Makes room for one more entry. Returns false if the table is full, or there is no memory. */
static bool table_grow(void)
{
	struct node_table *old = nodes;
	uint32_t size = old ? old->mask + 1 : 0;
	if (old && old->used < size / 3 * 2)
		return true;
	if (size >= nodes_limit) {
		is_full = true;
		return false;
	}
	struct node_table *t = table_new(size ? size * 2 : FIRST_SIZE);
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

/* ---------------------------------------------------------------- adding */

/* Returns the number of a new node after sending it to the collector. NODE_NONE: no memory. */
static uint32_t node_new(uint8_t kind, uint32_t parent, uint64_t what)
{
	uint32_t n = last + 1, id = epoch_bits | n;
	struct extent at = place_of(n);
	if (n >= nodes_limit) {
		is_full = true;
		return NODE_NONE;
	}
	if (UNLIKELY(!segments[at.segment])) {
		struct first *s = (void *)pages_large(0, at.size * sizeof *s);
		if (!s)
			return NODE_NONE;
		__atomic_store_n(&segments[at.segment], s, __ATOMIC_RELEASE);
		pages_count(-(int64_t)(at.size * sizeof *s));
	}
	if (n % NODES_PER_PAGE == 0)
		pages_count(PAGE);
	ring_put(kind, what, (uint64_t)id << 32 | parent, 0);
	last = n;
	return id;
}

static uint32_t add_first(struct first *f, uint8_t kind, uint32_t parent, uint64_t what)
{
	uint32_t id = node_new(kind, parent, what);
	if (id != NODE_NONE) {
		f->what = what;
		__atomic_store_n(&f->id, id, __ATOMIC_RELEASE);
	}
	return id;
}

static uint32_t add_other(uint8_t kind, uint32_t parent, uint64_t what)
{
	if (!table_grow())
		return NODE_NONE;
	struct node *n = node_find(nodes, parent, what);
	if (n->id)
		return n->id;
	uint32_t id = node_new(kind, parent, what);
	if (id != NODE_NONE) {
		n->parent = parent;
		n->what = what;
		__atomic_store_n(&n->id, id, __ATOMIC_RELEASE);
		nodes->used++;
	}
	return id;
}

/* Called under the lock: another thread may have added the node since it was looked up, or begun a new epoch. */
static uint32_t add(uint8_t kind, uint32_t parent, uint64_t what)
{
	if (UNLIKELY(!is_root(parent) && parent - epoch_bits >= MOST_NODES))
		return NODE_NONE;
	struct first *f = is_root(parent) ? NULL : first_of(parent);
	if (f && f->id == 0)
		return add_first(f, kind, parent, what);
	return f && f->what == what ? f->id : add_other(kind, parent, what);
}

/* ---------------------------------------------------------------- starting over */

static void discard_all(void)
{
	if (nodes) {
		table_retire(nodes);
		pages_count(((int64_t)nodes->mask + 1) * (int64_t)sizeof nodes->e[0]);	/* used again */
		nodes->used = 0;
	}
	pages_count(-(int64_t)(last / NODES_PER_PAGE * PAGE));
	for (uint32_t i = 0; i < SEGMENTS && segments[i]; i++)
		pages_empty(segments[i], ((size_t)1 << (LOG2_FIRST_SEGMENT + (i ? i - 1 : 0))) * sizeof **segments);
	last = 0;
	is_full = false;
}

/*
 * Partner: nodes_same_epoch(). It is counted when all nodes are discarded, and before there are new ones. So a reader
 * that begins afterwards finds none of the last epoch, and one that finds any of the new epoch reads its count
 * afterwards.
 */
static void count_epoch(void)
{
	__atomic_add_fetch(&node_generation, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&node_epoch, 1, __ATOMIC_SEQ_CST);
}

/* For tests, the limit may be less than the first. */
static void count_full(void)
{
	if (nodes_limit < FIRST_LIMIT || nodes_limit >= LIMIT || ++n_full < FULL_EPOCHS)
		return;
	n_full = 0;
	nodes_limit *= 2;
}

/* Called under the lock. */
static COLD void begin_epoch(void)
{
	uint32_t epoch = ((epoch_bits >> WIRE_EPOCH_SHIFT) + 1) % WIRE_EPOCHS;
	if (is_full)
		count_full();
	discard_all();
	epoch_bits = epoch << WIRE_EPOCH_SHIFT;
	ring_put(WIRE_EPOCH, epoch, 0, 0);
	count_epoch();
}

COLD void nodes_unloaded(void)
{
	lock_take(&lock);
	if (last >= MANY_UNUSED)
		begin_epoch();
	else
		__atomic_add_fetch(&node_generation, 1, __ATOMIC_RELEASE);
	lock_drop(&lock);
}

COLD void nodes_allow_more(void)
{
	lock_take(&lock);
	if (nodes_limit < MOST_NODES)
		nodes_limit *= 2;
	lock_drop(&lock);
}

void nodes_forked(void)
{
	lock = (struct lock){ 0 };
	nodes = NULL;
	memset(segments, 0, sizeof segments);
	last = epoch_bits = 0;
	is_full = false;
	count_epoch();
}

void nodes_restarted(void)
{
	discard_all();
	epoch_bits = 0;
	count_epoch();
}

/* ---------------------------------------------------------------- finding and adding */

COLD uint32_t node_add(uint8_t kind, uint32_t parent, uint64_t what)
{
	lock_take(&lock);
	uint32_t id = add(kind, parent, what);
	if (UNLIKELY(is_full))
		begin_epoch();
	lock_drop(&lock);
	return id;
}

COLD uint32_t node_add_chain(uint8_t kind, uint32_t parent, const uint64_t *what, uint32_t n, uint32_t *id)
{
	uint32_t i = 0;
	lock_take(&lock);
	for (; i < n && (id[i] = add(kind, parent, what[i])) != NODE_NONE; i++)
		parent = id[i];
	if (UNLIKELY(is_full))
		begin_epoch();
	lock_drop(&lock);
	return i;
}

uint32_t node_known(uint32_t parent, uint64_t what)
{
	if (!is_root(parent)) {
		struct first *f = first_of(parent);
		uint32_t id = __atomic_load_n(&f->id, __ATOMIC_ACQUIRE);
		if (id == 0 || LIKELY(f->what == what))
			return id;
	}
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
