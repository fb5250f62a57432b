/*
 * recent_stacks.c - a stack's number is its own, and stacks that are asked for again and again keep theirs
 */
#include <stdlib.h>

#include "check.h"

#include "recent_stacks.h"

#define STACKS 200000u
#define HOT 1000u		/* that are asked for all the time */

static uint32_t next = 1;	/* number */
static struct { uint32_t parent, frame; } given[3 * STACKS];

/* Asks for a stack, and returns its number; 0: it is that of another one. */
static uint32_t ask(struct recent_stacks *r, uint32_t parent, uint32_t frame)
{
	uint32_t n = recent_stacks_put(r, parent, frame, next);
	if (n == next) {
		given[n].parent = parent;
		given[n].frame = frame;
		next++;
	}
	return n && n < next && given[n].parent == parent && given[n].frame == frame ? n : 0;
}

static bool numbers_are_right(struct recent_stacks *r)
{
	bool right = true;
	uint32_t seed = 1;
	for (uint32_t i = 0; i < 2 * STACKS; i++) {
		seed = seed * 1664525 + 1013904223;
		right &= ask(r, (seed >> 8) % STACKS, 1 + (seed >> 4) % 7) != 0;
	}
	return right;
}

/* A deep stack is asked for from its outermost frame on; whatever comes between, no part of it changes its number. */
static bool hot_ones_stay(struct recent_stacks *r)
{
	static uint32_t number[HOT];
	uint32_t changed = 0, cold = STACKS;
	for (uint32_t round = 0; round < 200; round++) {
		uint32_t parent = 0;
		for (uint32_t i = 0; i < HOT; i++) {
			uint32_t n = ask(r, parent, 100 + i);
			changed += round > 0 && n != number[i];
			parent = number[i] = n;
		}
		for (uint32_t i = 0; i < HOT; i++)
			(void)ask(r, ++cold, 1);
	}
	return changed == 0 && next > 200 * HOT;
}

int main(void)
{
	struct recent_stacks *r = recent_stacks_new();
	CHECK("a stack that was never asked for is new", ask(r, 0, 1) == 1 && ask(r, 0, 2) == 2 && ask(r, 1, 1) == 3);
	CHECK("it keeps its number", ask(r, 0, 1) == 1 && ask(r, 0, 2) == 2 && ask(r, 1, 1) == 3);
	CHECK("no stack gets the number of another one", numbers_are_right(r));
	free(r);
	r = recent_stacks_new();
	CHECK("a stack that is asked for all the time keeps its number", hot_ones_stay(r));
	free(r);
	return check_done();
}
