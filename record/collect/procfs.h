/*
 * procfs.h - small files of /proc
 */
#ifndef PROCFS_H
#define PROCFS_H

#include <sys/types.h>

/* Read a small file as text, ended by '\0' within the buffer's `size`. Returns the number of bytes, or -1. */
ssize_t procfs_read(const char *path, char *buf, size_t size);

#endif
