/*
 * modules.h - whose code a file is: a package's, the standard library's, the program's own
 *
 * memray asks the interpreter for its paths; a trace has file names only, so
 * the standard library is told by its folder's name, and the program's own
 * folder by the first module that is run.
 */
#ifndef MODULES_H
#define MODULES_H

#include <stdbool.h>

#include "stacks.h"

/* Whether it is a part of Python's standard library. */
bool modules_is_standard(const char *file);
/* Returns the folder of the program's own modules, with a '/' at the end; "/" if none has run. The caller frees it. */
char *modules_root(const struct stacks *s);
/* Returns the top-level package or module of a file: "numpy", "app"; "unknown" of "". The caller frees it. */
char *modules_name(const char *file, const char *root);

#endif
