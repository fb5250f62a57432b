/*
 * attach.h - records a process that is already running, after loading the agent into it
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/collector.h"
#include "inject/image.h"

struct attached {
	struct recording recording;
	pid_t injector;			/* our child that attaches; 0: it has ended */
	int status;			/* its waitpid(2) status; not 0: it could not attach, and has reported why */
	bool verbose;			/* print when the recording has begun */
	bool lowered;			/* we have the rights of the process's user (rights.h) */
	bool attended;			/* the agent has a thread that ends its recording */
	uint32_t duration_ms, begun_ms;	/* how long to record, and since when; 0: no limit */
	struct image image;
	char *children;			/* that the process had before: "12, 13"; they are not recorded */
	unsigned n_children;
};

struct attach {
	pid_t pid;
	unsigned flags;			/* WIRE_FLAG_… */
	bool verbose;
	bool needs_rights;		/* to write the trace: do not take on the process's user */
	uint32_t duration_ms;		/* 0: no limit */
};

/* Begins to attach. From now on the usual signals end the recording; the process continues. */
void attach_begin(struct attached *a, struct collector *c, const struct attach *how);
/* After the recording. Returns whether it began; otherwise nothing was written, and we have our own rights again. */
bool attach_end(const struct attached *a);

#endif
