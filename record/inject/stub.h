/*
 * stub.h - the code that runs in the target until the agent is loaded
 *
 * The borrowed thread runs stub_begin: it maps a scratch block, calls
 * pthread_create on a stack in it, and stops. The new thread runs
 * stub_serve: it makes system calls for us until it gets the command to load the agent, and then
 * becomes the agent's thread. Without commands it exits after some ten seconds.
 */
#ifndef STUB_H
#define STUB_H

#include <stdint.h>

#include "wire.h"

extern const char stub_start[], stub_begin[], stub_serve[], stub_end[];

#define STUB_SCRATCH_SIZE 0x41000ul	/* the borrowed thread's stack grows down from 0x40000 */
#define STUB_LOAD (-1)			/* instead of a system call's number: load the agent */

enum stub_stage { STUB_WORKING, STUB_NO_LIBRARY, STUB_NO_FUNCTION, STUB_ENTERED };

/* At the start of the scratch block. stub.c uses these offsets. */
struct stub_scratch {
	/* system calls: we store a new number in `wanted`; the thread stores it in `done` afterwards */
	uint64_t wanted, done;			/* 0, 8 */
	int64_t number;				/* 16 */
	uint64_t arguments[6];			/* 24 */
	int64_t result;				/* 72 */
	/* loading */
	uint64_t dlopen, dlsym, dlerror;	/* 80, 88, 96 */
	uint64_t entry;				/* 104: the entry of an agent that is loaded already, or 0 */
	uint64_t fd;				/* 112: closed once the agent is loaded */
	uint64_t stage;				/* 120 */
	uint64_t nap[2];			/* 128: struct timespec */
	char path[112];				/* 144 */
	char symbol[256];			/* 256 */
	char error[256];			/* 512: the text of dlerror */
	uint64_t pad[32];
	struct wire_request request;		/* 1024 */
};

#endif
