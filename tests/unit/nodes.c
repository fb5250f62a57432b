/*
 * nodes.c - numbers for stacks: found again, sent once, in order; with several threads
 */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../record/agent/memory.h"
#include "../../record/agent/nodes.h"
#include "../../record/agent/ring.h"
#include "../../record/wire.h"

#define MOST (1u << 21)
#define FEW 4096u

/* The collector's view: a node's parent and content, of many epochs with FEW nodes or of one with MOST. */
static uint32_t parents[MOST], told, wrong, epoch, n_epochs;
static uint64_t whats[MOST];

static uint32_t place(uint32_t id)
{
	return (id >> WIRE_EPOCH_SHIFT) * FEW + WIRE_NODE_INDEX(id);
}

void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	uint32_t id = (uint32_t)(size >> 32), parent = (uint32_t)size;
	(void)stack;
	if (kind == WIRE_EPOCH) {
		wrong += addr != (epoch + 1) % WIRE_EPOCHS;
		epoch = (uint32_t)addr;
		told = 0;
		n_epochs++;
		return;
	}
	wrong += id != (epoch << WIRE_EPOCH_SHIFT | ++told) || place(id) >= MOST;
	wrong += parent != 0 && parent < WIRE_NATIVE_ROOT && (parent >= id || parent >> WIRE_EPOCH_SHIFT != epoch);
	parents[place(id) % MOST] = parent;
	whats[place(id) % MOST] = addr;
}

/* Returns the number of a stack; NODE_NONE: not all of it could be added. */
static uint32_t number_of(unsigned long long *state, uint32_t root, const uint64_t *what, uint32_t n)
{
	uint32_t node = root, id[40];
	for (uint32_t i = 0; i < n && node != NODE_NONE; i++) {
		uint32_t known = node_known(node, what[i]);
		if (known)
			node = known;
		else if (check_random(state) % 2)
			node = node_add(WIRE_NATIVE, node, what[i]);
		else
			return node_add_chain(WIRE_NATIVE, node, what + i, n - i, id) < n - i ? NODE_NONE
											      : id[n - i - 1];
	}
	return node;
}

/* Checks that the number of a random stack of up to 40 frames unfolds to that stack in the collector. */
static bool stack_is_right(unsigned long long *state)
{
	uint64_t what[40];
	uint32_t n = 1 + (uint32_t)(check_random(state) % 40), before, node,
		 root = check_random(state) % 2 ? NODE_ROOT : WIRE_NATIVE_ROOT | 3;
	for (uint32_t i = 0; i < n; i++)
		what[i] = (check_random(state) % (i % 5 == 0 ? 50 : 2)) << 33 | (i + 1);
	do {
		before = nodes_epoch();
		node = number_of(state, root, what, n);
	} while (!nodes_same_epoch(before));
	bool right = true;
	for (uint32_t i = n; i-- > 0 && right; node = parents[place(node)])
		right = node != 0 && place(node) < MOST && whats[place(node)] == what[i];
	right = right && node == root;
	/* If this thread had to wait for so long that the numbers were used again, its stack was overwritten. */
	return right || nodes_epoch() - before >= WIRE_EPOCHS - 1;
}

static void *many(void *seed)
{
	unsigned long long state = (uintptr_t)seed;
	for (int i = 0; i < 20000; i++)
		if (!stack_is_right(&state))
			return (void *)1;
	return NULL;
}

static bool is_unique(void)
{
	for (uint32_t id = 1; id <= told; id++)
		if (node_known(parents[id], whats[id]) != id)
			return false;
	return true;
}

static bool threads_agree(void)
{
	pthread_t t[4];
	bool right = true;
	void *bad;
	for (uintptr_t i = 0; i < 4; i++)	/* each two threads have the same stacks */
		pthread_create(&t[i], NULL, many, (void *)(0x1234567 + i / 2));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		right &= bad == NULL;
	}
	return right;
}

static uint64_t memory;

static bool has_epochs(void)
{
	nodes_forked();
	nodes_limit = FEW;
	epoch = told = n_epochs = wrong = 0;
	uint64_t before = pages_in_use();
	bool agree = threads_agree();
	memory = pages_in_use() - before;
	return agree && n_epochs > WIRE_EPOCHS && wrong == 0;
}

static bool number_is_void(void)
{
	uint32_t old = node_add(WIRE_NATIVE, NODE_ROOT, 1u << 20), before = n_epochs;
	for (uint32_t i = 0; n_epochs == before; i++)
		(void)node_add(WIRE_NATIVE, NODE_ROOT, (1u << 20) + i);
	return node_add(WIRE_NATIVE, old, 3) == NODE_NONE && n_epochs == before + 1;
}

static bool unloading_ends_it(void)
{
	uint32_t generation = nodes_generation(), before = n_epochs;
	nodes_unloaded();
	if (nodes_generation() == generation || n_epochs != before)
		return false;
	nodes_limit = MOST;
	for (uint32_t i = 0; i < 1u << 16; i++)
		(void)node_add(WIRE_NATIVE, NODE_ROOT, (1u << 20) + i);
	nodes_unloaded();
	return n_epochs == before + 1 && node_known(NODE_ROOT, 1u << 20) == 0;
}

static bool limit_is_raised(void)
{
	uint32_t node = NODE_ROOT, before;
	nodes_limit = FEW;
	do {
		before = nodes_epoch();
		node = NODE_ROOT;
		for (uint32_t i = 0; i < 3 * FEW && node != NODE_NONE; i++)
			node = node_add(WIRE_NATIVE, node, i);
		if (node == NODE_NONE)
			nodes_allow_more();
	} while (!nodes_same_epoch(before));
	return node != NODE_NONE && nodes_limit == 4 * FEW;
}

/* Fills epochs until there have been n, and returns their limit then. */
static uint32_t limit_after(uint32_t n)
{
	for (uint32_t i = 0; n_epochs < n; i++)
		(void)node_add(WIRE_NATIVE, NODE_ROOT, i);
	return nodes_limit;
}

static bool filling_raises_limit(uint32_t first)
{
	nodes_forked();
	nodes_limit = first;
	epoch = told = n_epochs = 0;
	return limit_after(3) == first && limit_after(4) == 2 * first && limit_after(8) == 4 * first &&
	       limit_after(16) == 4 * first && first < 1u << 20;
}

int main(void)
{
	uint32_t first = nodes_limit;
	nodes_limit = MOST;
	CHECK("an unknown node has no number",
	      node_known(NODE_ROOT, 7) == 0 && node_known(WIRE_NATIVE_ROOT | 1, 7) == 0);
	CHECK("a stack's number unfolds to that stack", many((void *)99) == NULL);
	uint32_t one = told;
	CHECK("so with four threads at a time", threads_agree() && told > one);
	CHECK("numbers are consecutive, each is sent once, parents first", wrong == 0 && told < MOST);
	CHECK("each stack has one number, which is found again", is_unique());
	nodes_restarted();
	told = 0;
	CHECK("a new session begins without nodes",
	      node_known(NODE_ROOT, whats[1]) == 0 && many((void *)5) == NULL && wrong == 0 && is_unique());
	nodes_forked();
	told = 0;
	CHECK("so does a forked child",
	      node_known(NODE_ROOT, whats[1]) == 0 && many((void *)6) == NULL && wrong == 0 && is_unique());
	CHECK("in epochs of few nodes, four threads still get the right numbers", has_epochs());
	CHECK("memory does not grow with the number of epochs", memory < 4 * FEW * 16);
	CHECK("a number of the last epoch gets no children", number_is_void());
	CHECK("unloading begins a new epoch if there are many nodes, and a new generation always", unloading_ends_it());
	CHECK("a stack that is too large for an epoch gets a larger one", limit_is_raised() && wrong == 0);
	CHECK("a program that fills several epochs gets larger ones, up to a limit", filling_raises_limit(first));
	return check_done();
}
