/*
 * censuses.h - what two censuses found alive, by type
 *
 * Memory: the live blocks (live.h), and 16 bytes for each type and process.
 */
#ifndef CENSUSES_H
#define CENSUSES_H

#include <stdbool.h>

#include "calltree.h"
#include "sides.h"

/*
 * Reads a trace from `path` ("-" is standard input), and adds what the last census of each process found to own[which]
 * of a node for each type. With `first` (then which is AFTER), the same is done with the first census of each
 * process, for that side and own[BEFORE]. Returns the exit status as side_read() does. Exits if it is not a trace, has
 * no census, or with `first` no two of one process.
 */
int censuses_read(struct side *side, struct side *first, const char *path, struct calltree *t, int which, bool count);

#endif
