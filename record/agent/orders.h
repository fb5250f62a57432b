/*
 * orders.h - the agent's orders: what to record, and for which collector
 */
#ifndef ORDERS_H
#define ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

struct orders {
	char address[WIRE_ADDRESS_MAX];	/* the collector's address as received; the next four members are its parts */
	char socket[96];	/* an abstract name */
	uid_t user;		/* the user that the collector runs as, … */
	uint64_t namespace;	/* … as numbered in this user namespace; 0: not known */
	struct wire_key key;
	pid_t pid;		/* the first process, which stays recorded whatever it executes */
	unsigned flags;		/* WIRE_FLAG_… */
	char preload[4096];	/* the agent's file as LD_PRELOAD names it; "": not recording */
	char entry[256];	/* the environment's entry with all of the above */
	char inherited[256];	/* the entry this process was started with; that of a later session differs */
};

extern struct orders orders;

/* Parses "ADDRESS PID FLAGS", the value of WIRE_ENV. Returns false if it is malformed. */
bool orders_read(const char *text);
/* Parses the collector's address, `n` bytes. Returns false if it is malformed. */
bool orders_address(const char *address, size_t n);

/*
 * Returns a decimal number, and in *end where it ends. Not strtoul(): with the headers of glibc 2.38 that is
 * another symbol.
 */
uint64_t orders_number(const char *digits, const char **end);

/*
 * Stores the environment entries for programs that this process executes: the agent's file, and the value of
 * WIRE_ENV. Returns false if either is too long; they then run without the agent.
 */
bool orders_travel(const char *preload, size_t preload_size, const char *entry);
#endif
