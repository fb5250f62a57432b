/*
 * clock.h - a clock that is read without a system call
 *
 * It is the kernel's own (in its vDSO): libraries that change the program's idea of time do not change it.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

void clock_find(void);
/* Returns nanoseconds since some moment; 0 if there is no such clock. Never runs backwards on any processor. */
uint64_t clock_ns(void);

#endif
