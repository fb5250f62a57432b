/*
 * recent_stacks.c - the stacks that a trace has defined lately: sets of a few stacks, the last used one first
 */
#include "recent_stacks.h"

#include <stdbool.h>
#include <stddef.h>

#include "xmalloc.h"

#define LOG2_SETS 13
#define SET 4			/* stacks in a set */

struct recent { uint32_t parent, frame, number; };	/* number 0: none */

struct recent_stacks { struct recent sets[1u << LOG2_SETS][SET]; };

struct recent_stacks *recent_stacks_new(void)
{
	return xcalloc(1, sizeof(struct recent_stacks));
}

static inline bool is_stack(const struct recent *r, uint32_t parent, uint32_t frame)
{
	return r->parent == parent && r->frame == frame;
}

uint32_t recent_stacks_put(struct recent_stacks *r, uint32_t parent, uint32_t frame, uint32_t next)
{
	uint64_t hash = (parent | (uint64_t)frame << 32) * 0x9E3779B97F4A7C15ull;
	struct recent *set = r->sets[hash >> (64 - LOG2_SETS)], found;
	size_t i = 0;

	while (i < SET - 1 && !is_stack(&set[i], parent, frame))
		i++;
	found = set[i];
	if (!is_stack(&found, parent, frame))	/* every stack has a frame, so an empty place is none */
		found = (struct recent){ parent, frame, next };
	for (; i > 0; i--)
		set[i] = set[i - 1];
	set[0] = found;
	return found.number;
}
