/*
 * modules.h - reports loaded objects that contain code of stacks
 */
#ifndef MODULES_H
#define MODULES_H

#include <stdbool.h>
#include <stdint.h>

/* Reports the object at pc to the collector, unless it has been reported. */
void module_of(uintptr_t pc);
/* Call after an unloading. True: a reported object is gone, and numbers of code are void. It is reported anew later. */
bool modules_unloaded(void);
void modules_forked(void);

#endif
