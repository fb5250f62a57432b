/*
 * info.h - building the msgpack maps of process and exit rows
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
/* Text of n bytes; what is not UTF-8 in it is written \xHH. */
void info_text(struct info *i, const char *key, const char *p, size_t n);
/* An array of texts, from 0-terminated strings in a row (as /proc/PID/cmdline). */
void info_argv(struct info *i, const char *key, const char *p, size_t n);
/* The finished map; valid until info_clear(). */
struct mt_str info_done(struct info *i);

#endif
