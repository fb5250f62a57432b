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

/* The collector's view: a node's parent and content. */
static uint32_t parents[MOST], told, wrong;
static uint64_t whats[MOST];

void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	uint32_t id = (uint32_t)(size >> 32), parent = (uint32_t)size;
	(void)kind, (void)stack;
	wrong += id != ++told || id >= MOST || (parent < WIRE_NATIVE_ROOT && parent >= id);
	parents[id % MOST] = parent;
	whats[id % MOST] = addr;
}

/* Checks that the number of a random stack of up to 40 frames unfolds to that stack in the collector. */
static bool stack_is_right(unsigned long long *state)
{
	uint64_t what[40];
	uint32_t n = 1 + (uint32_t)(check_random(state) % 40),
		 root = check_random(state) % 2 ? NODE_ROOT : WIRE_NATIVE_ROOT | 3, node = root, id[40];
	for (uint32_t i = 0; i < n; i++)
		what[i] = (check_random(state) % (i % 5 == 0 ? 50 : 2)) << 33 | (i + 1);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t known = node_known(node, what[i]);
		if (known) {
			node = known;
			continue;
		}
		if (check_random(state) % 2) {
			node = node_add(WIRE_NATIVE, node, what[i]);
		} else {
			if (node_add_chain(WIRE_NATIVE, node, what + i, n - i, id) != n - i)
				return false;
			node = id[n - i - 1];
			break;
		}
	}
	for (uint32_t i = n; i-- > 0; node = parents[node])
		if (node == 0 || node >= MOST || whats[node] != what[i])
			return false;
	return node == root;
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

int main(void)
{
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
	return check_done();
}
