/*
 * hooks.h - the allocation functions
 */
#ifndef HOOKS_H
#define HOOKS_H

/* Finds the real allocation functions. Idempotent; may be called before the constructor. */
void hooks_resolve(void);

#endif
