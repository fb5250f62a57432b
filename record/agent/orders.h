/*
 * orders.h - what the agent was told to record, and by whom
 */
#ifndef ORDERS_H
#define ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

struct orders {
	char address[WIRE_ADDRESS_MAX];	/* the collector's, as it was told; the next four are its parts */
	char socket[96];	/* an abstract name */
	uid_t user;		/* that the collector runs as, … */
	uint64_t namespace;	/* … by the numbers of this user namespace; 0: not known */
	struct wire_key key;
	pid_t pid;		/* the first process, which is recorded whatever it executes */
	unsigned flags;		/* WIRE_FLAG_… */
	char preload[4096];	/* our own file, as LD_PRELOAD named it; "" = not recording */
	char entry[256];	/* the environment's entry that says all this */
	char inherited[256];	/* the one this process was started with; a later session has another */
};

extern struct orders orders;

/* Take the orders from the environment, "ADDRESS PID FLAGS". False: they make no sense. */
bool orders_read(const char *text);
/* Take the collector's address, `n` bytes. False: it makes no sense. */
bool orders_address(const char *address, size_t n);

/* For programs that are executed: the agent's file, and what WIRE_ENV is to say. False: they go without. */
bool orders_travel(const char *preload, size_t preload_size, const char *entry);
#endif
