/*
 * json.h - JSON output that is always valid
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdio.h>

/* Prints "text" with quotes; invalid UTF-8 becomes U+FFFD, characters a terminal would obey (utf8.h) are escaped. */
void json_text(FILE *out, const char *p, size_t n);
/*
 * Prints one msgpack object as JSON that can be read back. Types that JSON lacks become
 * an object of one key: {"$bin":"HEX"}, {"$ext":[TYPE,"HEX"]}, {"$uint":"DIGITS"} (over
 * 2^63-1), {"$float32":"TEXT"}, {"$float64":"TEXT"} (not finite). Map keys become
 * text. `p` must have been validated (the info of a reader's events is).
 */
void json_msgpack(FILE *out, const void *p, size_t n);

/* Prints valid UTF-8 JSON of another library; characters that a terminal would obey (utf8.h) are escaped. */
void json_shown(FILE *out, const char *json, size_t n);

#endif
