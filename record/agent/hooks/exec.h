/*
 * exec.h - programs that are executed: with the agent in their environment, or without
 */
#ifndef EXEC_H
#define EXEC_H

/* Find the real functions. */
void exec_resolve(void);

#endif
