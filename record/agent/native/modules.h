/*
 * modules.h - the loaded objects that code was seen in
 */
#ifndef MODULES_H
#define MODULES_H

#include <stdbool.h>
#include <stdint.h>

/* Tell the collector of the object at pc, if it was not yet told. */
void module_of(uintptr_t pc);
/* Some object was unloaded: if it was one of those told of, begin anew. True: numbers given to its code are void. */
bool modules_unloaded(void);
void modules_forked(void);

#endif
