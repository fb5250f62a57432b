/*
 * advice.h - what to type in place of a program that cannot be executed
 */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdbool.h>

/* A command line of memrec. */
struct typed {
	char **argv;		/* memrec itself, its options, the program and its arguments, NULL */
	int program;		/* index of the program */
	bool needs_output;	/* the trace has no place to go yet */
};

/* Returns 0 if execvp(3) finds the program, or the errno with which it fails; ENOEXEC for a .py file without "#!". */
int advice_error(const char *program);
/* Prints one line: why it cannot be executed and, if it is a script or a subcommand of memray, what to type. */
void advice_print(const struct typed *t, int error);

#endif
