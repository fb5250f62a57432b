/*
 * json.h - JSON output that is always valid
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdio.h>

/* "text" with quotes; what is not UTF-8 becomes U+FFFD, what a terminal would obey (utf8.h) is escaped. */
void json_text(FILE *out, const char *p, size_t n);
/*
 * One msgpack object as JSON that can be read back: what JSON lacks becomes an
 * object of one key, {"$bin":"HEX"}, {"$ext":[TYPE,"HEX"]}, {"$uint":"DIGITS"} (over
 * 2^63-1), {"$float32":"TEXT"}, {"$float64":"TEXT"} (not finite). Map keys become
 * text. `p` must have been validated (a reader's info is).
 */
void json_msgpack(FILE *out, const void *p, size_t n);

/* JSON that another library made, in UTF-8: what a terminal would obey in its texts (utf8.h) is escaped too. */
void json_shown(FILE *out, const char *json, size_t n);

#endif
