/*
 * await.h - records a process that starts and stops the recording itself (memrec.Tracker) and has started us for it
 */
#ifndef AWAIT_H
#define AWAIT_H

#include <sys/types.h>

#include "collect/collector.h"
#include "inject/image.h"

struct awaited {
	struct recording recording;
	struct image image;
};

/*
 * The process reads our standard error. It gets the line that its agent needs,
 * "awaited ADDRESS FLAGS AGENT", then messages, and at the end "ended", unless we are killed.
 */
void await_begin(struct awaited *a, struct collector *c, pid_t pid, unsigned flags);
void await_end(void);

#endif
