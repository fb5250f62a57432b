/*
 * clients.h - programs that report the blocks of their own pools (record/memrec.h)
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stddef.h>
#include <stdint.h>

/* A call munmap(at, 0), which has no effect: if it announces such a program, its calls reach us from now on. */
void clients_announced(const void *at);

/* For an agent that was loaded late: connects the calls of all loaded objects, and may be called again; disconnects. */
void clients_connect(void);
void clients_disconnect(void);

/* Exported, for memrec.alloc() and memrec.free() in Python. */
void memrec_agent_alloc(const void *p, size_t n);
void memrec_agent_free(const void *p);

#endif
