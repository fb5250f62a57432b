/*
 * agent_file.h - the agent's library: a file beside memrec, or bytes inside it
 *
 * As installed, it is lib/memrec/libmemrec.so beside bin/memrec. The binary of a wheel or a tarball
 * (packaging/) carries it inside as well, so that it works alone.
 */
#ifndef AGENT_FILE_H
#define AGENT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns whether this program has it inside; then it also has all other commands (packaging/one.c). */
bool agent_file_is_inside(void);

/*
 * The name by which a loader finds it, without a space or a colon: the file's, or if that cannot be,
 * /proc/PID/fd/N of a memory file, which lasts as long as this process. Dies if there is no agent.
 */
const char *agent_file_name(void);

/* Its bytes, with a page of zeros after them. */
const char *agent_file_bytes(size_t *size);

#endif
