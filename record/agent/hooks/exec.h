/*
 * exec.h - hooks of exec and spawn: executed programs get an environment with the agent, or without it
 */
#ifndef EXEC_H
#define EXEC_H

/* Finds the real functions. */
void exec_resolve(void);

#endif
