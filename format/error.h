/*
 * error.h - messages, and exits after them
 *
 * Every message begins with the program's name, is formatted once and written
 * by one write(2), so that the messages of a pipeline's programs do not mix.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdarg.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Set once, at the beginning of main(); not copied. */
extern const char *program_name;

/* Prints the message and exits with 1: bad data or a failed system call. */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Prints the message and "Try 'NAME --help'.", and exits with 2: a usage error. */
void usage_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Prints the message and returns. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A broken invariant: aborts with a core dump. */
#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)
void bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) __attribute__((noreturn));

#endif
