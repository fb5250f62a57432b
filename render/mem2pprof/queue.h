/*
 * queue.h - profiles on disk that wait to be sent
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	int fd;				/* the folder, locked while it is ours */
	char *path;
	bool temporary;
};

/* path NULL: a temporary folder. Exits with one line if it cannot be used, or another command uses it. */
struct queue queue_open(const char *path);
/* Removes a temporary folder if it is empty. */
void queue_close(struct queue *q);

/* Gets the oldest profile's file name. Returns false if there is none. */
bool queue_oldest(const struct queue *q, char name[NAME_MAX + 1]);
void queue_remove(const struct queue *q, const char *name);
size_t queue_count(const struct queue *q);
/* Discards the oldest profiles, but never the newest one, until at most so many bytes are left. Returns how many. */
size_t queue_limit(const struct queue *q, uint64_t most_bytes);

#endif
