/*
 * push.h - send profiles to a server, by a process of its own
 *
 * A profile waits in the queue, a folder, as FROM-UNTIL-NAME.pb.gz (Unix time in milliseconds; the name as in a URL)
 * until it is sent, oldest first. What cannot be sent is tried again. The caller never waits for the server, except in
 * push_end().
 */
#ifndef PUSH_H
#define PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct push_rules {
	const char *url;
	const char *const *headers;	/* "Name: value", or "@FILE" with one on each line */
	size_t n_headers;
	const char *queue;		/* a folder, created if it does not exist; NULL: a temporary one */
	uint64_t most_bytes;		/* of the queue; its oldest profiles are discarded to make room */
};

struct push;

/* Starts the process. The rules' texts must outlive it. Exits with one line if the URL, queue or curl is unusable. */
struct push *push_begin(const struct push_rules *rules);
/* Returns a stream for a profile of that name and period (Unix time, ms); push_close() adds it to the queue. */
FILE *push_open(struct push *p, const char *name, uint64_t from_ms, uint64_t until_ms);
void push_close(struct push *p);
/* Sends the rest, for at most ten seconds. Returns whether every profile was sent; if not, a line has said so. */
bool push_end(struct push *p);

#endif
