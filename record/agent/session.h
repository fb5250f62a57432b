/*
 * session.h - a recording that begins and ends while the program runs
 *
 * For an agent that was loaded late: by memrec -p, or by the program itself.
 * These are exported; a session may follow another.
 */
#ifndef SESSION_H
#define SESSION_H

#include "wire.h"

/*
 * Begin: connect to the collector, put in the hooks. how: as struct
 * wire_request's. NULL, or why not. One session at a time.
 */
const char *memrec_agent_start(const char *how);

/*
 * End: the hooks are taken out, what was there is put back, and no thread
 * puts anything into the ring from here on. Without a session: nothing.
 */
void memrec_agent_stop(void);

/* Whether this process is recorded now, by whichever memrec. */
int memrec_agent_recording(void);

/* A span begins or ends here: told in the trace. 0: nothing is recorded. */
int memrec_agent_span(const char *name, int begins);

/*
 * Start a program that is no child of this process and knows nothing of it but
 * three descriptors, which become its standard ones: the collector. Its pid, or -errno.
 */
int memrec_agent_spawn(const char *path, char *const argv[], char *const env[], const int fds[3]);

/*
 * The start routine of the thread that memrec makes in a running program: a
 * session, until the collector wants no more or dies. Returns NULL.
 */
void *memrec_agent_serve(void *request);

#endif
