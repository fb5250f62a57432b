/*
 * ids.h - giving out the ids of allocations: dense, the one freed last first
 */
#ifndef IDS_H
#define IDS_H

#include <stddef.h>
#include <stdint.h>

/* Starts all zero. */
struct ids {
	uint32_t *freed;	/* a stack */
	size_t n, cap;
	uint32_t next;
};

uint32_t ids_take(struct ids *ids);
void ids_give_back(struct ids *ids, uint32_t id);
void ids_clear(struct ids *ids);

#endif
