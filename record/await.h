/*
 * await.h - a recording that a process makes of itself (memrec.Tracker), with us as its collector
 */
#ifndef AWAIT_H
#define AWAIT_H

#include <sys/types.h>

#include "collect/collector.h"
#include "image.h"

struct awaited {
	struct recording recording;
	struct image image;
};

/*
 * The process has started us and reads our standard error: there it finds what its agent needs,
 * "awaited ADDRESS FLAGS", messages, and at the end "ended", unless we were killed.
 */
void await_begin(struct awaited *a, const struct collector *c, pid_t pid, unsigned flags);
void await_end(void);

#endif
