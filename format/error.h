/*
 * error.h - the one place where a program complains, and gives up
 *
 * Every message begins with the program's name, is formatted once and written
 * by one write(2), so that lines of a pipeline's programs do not mix.
 */
#ifndef ERROR_H
#define ERROR_H

#include <stdarg.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Set once, first thing in main(); kept. */
extern const char *program_name;

/* Say it and exit: 1, bad data or a failing system. */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Say it, add "Try 'NAME --help'." and exit: 2, misuse. */
void usage_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Say it and go on. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A broken invariant of ours: abort with a core. */
#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)
void bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) __attribute__((noreturn));

#endif
