/*
 * paths.h - the shortest path from a root to a block, as text
 */
#ifndef PATHS_H
#define PATHS_H

#include "heap.h"

#define PATHS_UNREACHABLE "(not reachable from a root)"

/*
 * Returns "module app -> REQUESTS (list) -> [3] (app.Request)"; with `alike`, the same text for objects in other
 * places of a list or tuple: "[…]". Tables that belong to an object, and the dicts of attributes, are left out. The
 * caller frees it.
 */
char *paths_text(const struct heap *h, uint32_t node, bool alike);

#endif
