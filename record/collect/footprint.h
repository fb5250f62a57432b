/*
 * footprint.h - how the memory of a process is divided, as the system sees it
 *
 * The kernel looks at every page of the process, which takes it up to 30 ms for a gigabyte. A thread waits for that, so
 * that rings are drained meanwhile. It allocates nothing and takes no lock, since the other thread forks.
 */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of resident pages; swap: of pages that are swapped out. */
struct footprint {
	uint64_t private, shared, proportional, swap;
};

/*
 * Reads it from /proc/PID/smaps_rollup, or where the kernel has no such file (before 4.14) from smaps. Returns false if
 * neither can be read.
 */
bool footprint_read(pid_t pid, struct footprint *f);

/* Has the thread read that of a process, unless it is reading one. Returns whether it will. */
bool footprint_ask(pid_t pid);
struct footprint_answer {
	pid_t pid;
	bool known;			/* it could be read */
	struct footprint f;
	uint64_t cost_ns;		/* the thread's processor time */
};
/* Returns true once for each that was asked for, when it has been read. */
bool footprint_take(struct footprint_answer *a);

#endif
