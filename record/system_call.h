/*
 * system_call.h - a system call whose arguments all have a register's width
 *
 * The kernel reads longs, but syscall(2) is variadic: of an int argument only
 * 32 bits are passed, and the upper half is undefined. gcc happens to clear it;
 * clang does not for the sixth argument, which is passed on the stack, so mmap's
 * offset is no multiple of a page. So every call goes through here; `make layers` checks it.
 */
#ifndef SYSTEM_CALL_H
#define SYSTEM_CALL_H

#include <sys/syscall.h>
#include <unistd.h>

/* system_call(SYS_…, up to six arguments): like syscall(2). Missing arguments are 0. */
#define system_call(...) SYSTEM_CALL_LONGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SYSTEM_CALL_LONGS(number, a, b, c, d, e, f, ...) \
	syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
