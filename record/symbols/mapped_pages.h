/*
 * mapped_pages.h - bounds how much of the object files stays in our memory
 *
 * libdw maps object files, and each page it has read would stay in our resident memory as long as we run: tens of
 * megabytes, for a few functions of a large program. Pages that are needed again come from the page cache.
 */
#ifndef MAPPED_PAGES_H
#define MAPPED_PAGES_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAPPED_PAGES_MOST (512u << 10)	/* bytes of files */

struct mapped_pages {
	unsigned asked;
	uint64_t before;		/* bytes of files in our memory after the last release; 0: none yet */
	char *maps;			/* of this process, while pages are released */
};

/* Returns whether there may be more than MAPPED_PAGES_MOST now. Cheap: it looks every few times. */
bool mapped_pages_many(struct mapped_pages *m);

/* Release the pages of files: begin, each file, end. Files that libelf has not mapped keep theirs. */
void mapped_pages_begin(struct mapped_pages *m);
void mapped_pages_release(struct mapped_pages *m, Elf *elf);
void mapped_pages_end(struct mapped_pages *m);

#endif
