/*
 * loadname.h - the name by which the loader, and so every debugger, knows the agent
 *
 * Debuggers, unwinders and crash handlers open the files named in the list of
 * loaded objects. memrec -p loads the agent from a memory file, which only this
 * process can see, or from a file that is removed at once. Another process that
 * opens that name gets a different file, and reading that may block for ever.
 */
#ifndef LOADNAME_H
#define LOADNAME_H

/* Called by the constructor: renames the agent to LOADNAME_NONE if it was loaded from such a file. */
void loadname_init(void);

/*
 * Renames the agent from LOADNAME_NONE to the path of the file that memrec loaded it from, which has the
 * same bytes. Does nothing if its name is not LOADNAME_NONE, or if the path is empty, longer than 4095 bytes, or
 * that of a memory file of memrec's (/proc/PID/fd/N).
 */
void loadname_set(const char *path);

/* Our soname: a name without a directory. */
#define LOADNAME_NONE "libmemrec.so"

#endif
