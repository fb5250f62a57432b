/*
 * attach.h - records processes that are already running, after loading the agent into each
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/collector.h"
#include "inject/image.h"
#include "inject/inject.h"

/* One of the processes. */
struct attachment {
	pid_t pid;
	pid_t injector;			/* our child that attaches to it; 0: none yet, or it has ended */
	bool found;			/* as a child of another, with --follow-fork */
	bool attended;			/* the agent has a thread that ends its recording */
	bool executed;			/* it executes another program, whose agent has not connected */
	bool told;			/* and why that one cannot */
	uint32_t executed_ms;		/* when that was noticed */
	struct image image;
	uint64_t number;		/* of the program with that image, as process.h numbers them */
};

struct attached {
	struct recording recording;
	struct injection injection;	/* the same for all processes, except the pid */
	struct attachment *all;
	size_t n, cap;
	size_t n_started, n_injecting, n_begun;	/* attempts; those under way; processes that are recorded */
	bool follow;			/* also attach to the children that they have */
	bool verbose;			/* print when the recording has begun */
	bool lowered;			/* we have the rights of the processes' user (rights.h) */
	bool begun;			/* all attempts were made */
	uint32_t duration_ms, begun_ms;	/* how long to record, and since when; 0: no limit */
};

struct attach {
	const pid_t *pids;
	size_t n_pids;			/* at least 1 */
	unsigned flags;			/* WIRE_FLAG_… */
	bool verbose;
	bool needs_rights;		/* to write the trace: do not take on the processes' user */
	bool ignore_filter;		/* as in inject_examine() */
	uint32_t duration_ms;		/* 0: no limit */
};

/* Begins to attach. From now on the usual signals end the recording; the processes continue. */
void attach_begin(struct attached *a, struct collector *c, const struct attach *how);
/* After the recording. Returns whether it began; otherwise nothing was written, and we have our own rights again. */
bool attach_end(struct attached *a);

#endif
