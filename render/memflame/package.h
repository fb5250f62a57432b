/*
 * package.h - whose code each place of a tree is, and which nodes the page hides at first
 */
#ifndef MEMFLAME_PACKAGE_H
#define MEMFLAME_PACKAGE_H

#include <stdbool.h>

#include "tree.h"

/*
 * Finds each place's package: the distribution that its file was installed by, or one of the names of packages
 * below, which contain a blank, as no distribution's does. Marks the C functions of the import machinery.
 */
void packages_find(struct tree *t);

#define PACKAGE_OWN "own code"
#define PACKAGE_STDLIB "standard library"
#define PACKAGE_INTERPRETER "the interpreter"
#define PACKAGE_SYSTEM "system libraries"
#define PACKAGE_OTHER "not known"

/* Returns the folder that contains all files of own code, "/srv/app/", of *n bytes; *n is 0 if there is none. */
const char *packages_own_folder(const struct tree *t, size_t *n);

/* Whether there are both Python and C functions. */
bool tree_is_mixed(const struct tree *t);
/*
 * Returns for each node whether the page hides it at first (hiddenNodes() in frames.js): the import machinery,
 * threads, allocators, processes if not wanted, what runs before the script, and C functions if there are Python's.
 * The caller frees the array.
 */
bool *hidden_nodes(const struct tree *t, bool processes);

#endif
