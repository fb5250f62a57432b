/*
 * hot.h - functions that are called for each event
 *
 * A compiler inlines a function that has one caller. These have one in each command, but many in the program
 * of all commands (packaging/one.c), and calling them there cost a tenth of the instructions.
 */
#ifndef HOT_H
#define HOT_H

/* clang warns of an inline function that others may call and that uses a static one. */
#ifdef __clang__
#define HOT
#else
#define HOT __attribute__((always_inline)) inline
#endif

#endif
