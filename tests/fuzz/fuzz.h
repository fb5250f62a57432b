/*
 * fuzz.h - one input after another in one process, each as if it were the first
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Calls f(arg). Where f calls exit(3) it ends. Afterwards its memory, descriptors and
 * streams are released, and the variables of what was built with state.h are what they were at first.
 */
void fuzz_run(void (*f)(void *arg), void *arg);

/* Returns the path of a file that holds these bytes, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
