/*
 * modules.h - the package or module of a file: installed, the standard library's, the program's own
 *
 * memray asks the interpreter for its paths. A trace has only file names, so the
 * standard library is recognized by the name of its folder, and the program's own
 * folder is that of the first module that runs.
 */
#ifndef MODULES_H
#define MODULES_H

#include <stdbool.h>

#include "stacks.h"

/* Returns whether the file belongs to Python's standard library. */
bool modules_is_standard(const char *file);
/* Returns the folder of the program's own modules, with a '/' at the end; "/" if none has run. The caller frees it. */
char *modules_root(const struct stacks *s);
/* Returns the top-level package or module of a file: "numpy", "app"; "unknown" of "". The caller frees it. */
char *modules_name(const char *file, const char *root);

#endif
