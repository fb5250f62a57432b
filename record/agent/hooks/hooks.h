/*
 * hooks.h - the allocation functions
 */
#ifndef HOOKS_H
#define HOOKS_H

/* Find the real allocator functions (idempotent; may be called before the constructor). */
void hooks_resolve(void);

#endif
