/*
 * procfs.h - reads small files of /proc
 */
#ifndef PROCFS_H
#define PROCFS_H

#include <sys/types.h>

/* Reads a file of at most `size` - 1 bytes into `buf` and adds a NUL. Returns the number of bytes, or -1. */
ssize_t procfs_read(const char *path, char *buf, size_t size);

#endif
