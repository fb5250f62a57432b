/*
 * calltree.c - calls by label, their order, walking them
 */
#include "calltree.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static uint32_t add(struct calltree *t, const char *stack)
{
	uint32_t node = 0;

	for (size_t n; n = strcspn(stack, ";"), true; stack += n + 1) {
		node = calltree_child(t, node, calltree_label(t, stack, n));
		if (!stack[n])
			return node;
	}
}

static int by_falling_text(uint32_t a, uint32_t b, void *arg)
{
	struct calltree *t = arg;

	return strcmp(calltree_text(t, calltree_call(t, b)->label), calltree_text(t, calltree_call(t, a)->label));
}

/* Returns the labels in the order of the walk, joined. */
static bool walks_as(struct calltree *t, struct children c, const char *expected)
{
	uint32_t *walk = calltree_walk(t, &c);
	char got[200] = "";

	for (uint32_t i = 0; i + 1 < calltree_count(t); i++)
		strncat(got, calltree_text(t, calltree_call(t, walk[i])->label), 10);
	free(walk);
	free(c.first);
	free(c.order);
	return strcmp(got, expected) == 0;
}

/* All pairs of 100 labels: 100 + 10000 nodes, which must be found again. */
static bool many_are_found(struct calltree *t)
{
	char text[32];
	uint32_t nodes[100][100], before = calltree_count(t);

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++)
			for (int j = 0; j < 100; j++) {
				snprintf(text, sizeof text, "%d;%d", i, j);
				uint32_t node = add(t, text);
				if (round == 1 && nodes[i][j] != node)
					return false;
				nodes[i][j] = node;
			}
	return calltree_count(t) - before == 100 + 10000;
}

int main(void)
{
	struct calltree *t = calltree_new();

	CHECK("a new tree has only its root", calltree_count(t) == 1);
	uint32_t b = add(t, "m;b");
	add(t, "m;a;x");
	add(t, "k");
	CHECK("equal stacks have one node, and so have their callers", add(t, "m;b") == b && calltree_count(t) == 6);
	CHECK("a walk is depth-first", walks_as(t, calltree_children_by_text(t), "kmaxb"));
	CHECK("siblings are in the order asked for", walks_as(t, calltree_children(t, by_falling_text, t), "mbaxk"));
	calltree_call(t, b)->own[1] = 7;
	CHECK("a node keeps its numbers", calltree_call(t, add(t, "m;b"))->own[1] == 7);
	CHECK("an empty label is a frame", add(t, "m;") != calltree_call(t, b)->parent && add(t, "") != 0);
	CHECK("ten thousand nodes are found again", many_are_found(t));
	calltree_free(t);
	calltree_free(NULL);
	return check_done();
}
