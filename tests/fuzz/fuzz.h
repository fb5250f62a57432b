/*
 * fuzz.h - run inputs one after another in one process, each as if it were the first
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls f(arg), which also ends if it calls exit(3). Afterwards releases its memory, descriptors and
 * streams, and restores the initial values of variables in code built with state.h.
 */
void fuzz_run(void (*f)(void *arg), void *arg);

/* Returns the path of a file with these bytes, valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
