/*
 * alive.h - the blocks that were live when a census was taken, by type
 *
 * Of each process the last census counts. A block whose type is not known counts, too, under type 0.
 *
 * Memory: the live blocks (live.h), the stacks, and 80 bytes for each combination of process, key and type.
 */
#ifndef ALIVE_H
#define ALIVE_H

#include "tally.h"
#include "texts.h"

/* The label of a block whose type is not known. */
#define ALIVE_NO_TYPE "[type not known]"

struct alive_pair {
	uint32_t key, type;		/* type: in `types`; 0: not known */
};

struct alive {
	struct tally *tally;		/* at[n]: what was live of pair n */
	struct alive_pair *pairs;
	struct texts types;
};

/*
 * Reads `in` to its end, or to where it is damaged. by->key and by->take are those of tally.h. Exits with a message if
 * there is no census, or none of blocks that are there, as after a filter whose answer has no frees.
 */
struct alive *alive_read(struct mt_in *in, const struct tally_by *by);
void alive_free(struct alive *a);

enum alive_leaf {
	ALIVE_BELOW,		/* below the frame that allocated: "[dict]" */
	ALIVE_ALONE,		/* without the stack: "dict" */
};

/* The same by stack: each type is a frame. The result is like tally_read_more()'s; by->key is ignored. */
struct tally *alive_read_stacks(struct mt_in *in, enum alive_leaf leaf, const struct tally_by *by);

#endif
