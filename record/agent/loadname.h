/*
 * loadname.h - the name by which the loader, and so every debugger, knows the agent
 *
 * Debuggers, unwinders and crash handlers open the files that the list of
 * loaded objects names. memrec -p loads the agent from a file that nobody but
 * this process sees (a memory file), or that is removed at once: another process
 * that opens that name gets something else, and may wait for ever to read it.
 */
#ifndef LOADNAME_H
#define LOADNAME_H

/* Called by the constructor: if the agent was loaded from such a file, its name is LOADNAME_NONE from here on. */
void loadname_init(void);

/*
 * The file that holds the same bytes, which memrec loaded the agent from: the name
 * from here on, if it is LOADNAME_NONE so far. A path longer than 4095 bytes, or an empty one, is not taken.
 */
void loadname_set(const char *path);

/* Our soname: a name without a folder. */
#define LOADNAME_NONE "libmemrec.so"

#endif
