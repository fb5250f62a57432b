/*
 * first.h - the part of a large tree that its page draws at first
 *
 * A page with a million nodes takes half a second to read. So that its first graph is there earlier, it also contains
 * a small tree that leads to the same graph: only the boxes wide enough to be drawn, without frames hidden at first.
 */
#ifndef MEMFLAME_FIRST_H
#define MEMFLAME_FIRST_H

#include "pack.h"

#define FIRST_WIDTH 2560	/* CSS pixels: on a wider graph, more boxes would be drawn */

struct first_view {
	struct tree tree;	/* with texts and places of its own */
	/* Per node: 0, or the number of thin boxes that it represents; its place is then 0, as the root's. */
	uint32_t *smaller;
	/* The memory that the code of each package allocates itself: per text of the whole tree. */
	uint64_t *of_package;
};

/*
 * Makes the first view; `order` are the places of t in the page's order. Returns false if the page has none: it is
 * small, opens with anything but the usual view, or the number of boxes drawn depends on more than those.
 */
bool first_view_make(struct first_view *v, const struct tree *t, const struct page *page, const uint32_t *order);
void first_view_clear(struct first_view *v);

#endif
