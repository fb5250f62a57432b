/*
 * info.h - builds the msgpack maps of process and exit rows
 */
#ifndef INFO_H
#define INFO_H

#include <msgpack.h>

#include "memtrace.h"

struct info {
	msgpack_sbuffer entries, map;
	msgpack_packer pk;
	size_t n;
};

void info_init(struct info *i);
void info_clear(struct info *i);
void info_int(struct info *i, const char *key, int64_t value);
/* Adds text of n bytes; bytes that are not UTF-8 are written as \xHH. */
void info_text(struct info *i, const char *key, const char *p, size_t n);
/* Adds an array of texts, from consecutive NUL-terminated strings (as in /proc/PID/cmdline). */
void info_argv(struct info *i, const char *key, const char *p, size_t n);
/* Returns the finished map; valid until info_clear(). */
struct mt_str info_done(struct info *i);

#endif
