/*
 * session.h - a recording that begins and ends while the program runs
 *
 * For an agent that was loaded late: by memrec -p, or by the program itself.
 * These functions are exported. Sessions may follow one another.
 */
#ifndef SESSION_H
#define SESSION_H

#include "wire.h"

/*
 * Begins a session: connects to the collector and installs the hooks. `how` has the format of
 * struct wire_request's. Returns NULL, or why it failed. A process has one session at a time.
 */
const char *memrec_agent_start(const char *how);

/*
 * Ends the session: restores what the hooks replaced. When it returns, no thread
 * writes to the ring any more. Does nothing without a session.
 */
void memrec_agent_stop(void);

/* Returns whether any memrec records this process now. */
int memrec_agent_recording(void);

/*
 * Records that a span begins or ends here, of this thread or of all threads. Returns 0 if the process is not recorded.
 */
enum { MEMREC_SPAN_BEGINS = 1, MEMREC_SPAN_OF_ALL = 2 };
int memrec_agent_span(const char *name, int how);

/*
 * Starts the collector: a program that is not a child of this process and inherits only
 * three descriptors, which become its standard ones. Returns its pid, or -errno.
 */
int memrec_agent_spawn(const char *path, char *const argv[], char *const env[], const int fds[3]);

/*
 * The start routine of the thread that memrec creates in a running program: runs a
 * session until the collector stops or dies. Returns NULL.
 */
void *memrec_agent_serve(void *request);

#endif
