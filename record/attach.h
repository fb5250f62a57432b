/*
 * attach.h - a recording of a process that runs already, into which memrec puts the agent
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/collector.h"
#include "image.h"

struct attached {
	struct recording recording;
	pid_t injector;			/* our child that attaches; 0: it is done */
	int status;			/* of waitpid(2) of it; not 0: it could not attach, and has said why */
	bool verbose;			/* say when the recording has begun */
	bool attended;			/* the agent has a thread that ends its recording */
	uint32_t duration_ms, begun_ms;	/* how long to record, from when it began; 0: no limit */
	struct image image;
};

struct attach {
	pid_t pid;
	const char *agent;		/* path of libmemrec.so */
	unsigned flags;			/* WIRE_FLAG_… */
	bool verbose;
	uint32_t duration_ms;		/* 0: no limit */
};

/* Begin to attach. From then on the usual signals end the recording; the process goes on. */
void attach_begin(struct attached *a, const struct collector *c, const struct attach *how);

#endif
