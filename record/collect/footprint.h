/*
 * footprint.h - how the memory of a process is divided, as the system sees it
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
 * Reads it from /proc/PID/smaps_rollup, or where the kernel has no such file (before 4.14) from smaps. The kernel looks
 * at every page of the process, a few milliseconds for a gigabyte. Returns false if neither can be read.
 */
bool footprint_read(pid_t pid, struct footprint *f);

#endif
