/*
 * rights.h - root's memrec, recording another user's process, needs root's rights only to load the agent
 *
 * Everything else, such as reading the process's rings and the object files that it names, is done as its user.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Takes on the user and the groups of a process. Returns false, and changes nothing, if they are ours already, if
 * that is forbidden, or if the process could then not be read.
 */
bool rights_lower(pid_t pid);
/* After rights_lower() returned true: back to root's rights, or never back. */
void rights_restore(void);
void rights_give_up(void);

#endif
