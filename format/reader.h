/*
 * reader.h - a reader's state, which reader.c reads with and reader_open.c begins and ends
 */
#ifndef READER_H
#define READER_H

#include "bytes_in.h"
#include "rows.h"

/*
 * IN_STACKS: within a row of stacks, of which stacks_left have not been returned yet.
 * SO_FAR: at the end of a file that is still being written.
 */
enum place { IN_TRACE, IN_STACKS, AFTER_END, SO_FAR, NO_FILE };

struct mt_in {
	struct bytes_in bytes;
	struct running run;
	uint32_t pid, tid;
	uint32_t n_functions, n_frames, n_stacks;	/* defined so far */
	uint64_t allocs, frees;				/* rows since the header */
	bool slow[ROW_LAST_ALLOCATOR + 1];		/* by allocator: [0] (none yet), and those that are left out */
	bool memory_only;
	enum place place;
	uint32_t stacks_left;
	struct mt_header *header;
	char **paths;
	size_t n_paths, path;		/* path: the one being read */
	char *errors, *notes;		/* lines */
	bool failed;			/* something was damaged, told or not */
};

/*
 * Read the header at the front of the file that is open; open the file at `path` and read its header. Return 0, or -1
 * and in `why`, of why_size bytes, what is wrong with it, without its name.
 */
int reader_first_header(struct mt_in *in, char *why, size_t why_size);
int reader_open_file(struct mt_in *in, char *why, size_t why_size);

#endif
