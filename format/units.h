/*
 * units.h - sizes as people write them
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parses "12", "1.5k", "24 MB", "1GiB": k M G T (and kB MB …) are powers of 1000, Ki
 * Mi Gi Ti (and KiB …) of 1024. Returns false if it is not a size, or beyond 2^63.
 */
bool parse_size(const char *text, uint64_t *bytes);

#define SIZE_TEXT 16
/*
 * Writes "999B", "1.234kB", "12.500MB" (powers of 1000, three decimals, as in memray's reports) to buf, and returns it.
 */
const char *size_text(uint64_t bytes, char buf[SIZE_TEXT]);

#define DURATION_TEXT 16
/* Writes "350ms", "12.3s", "4m58s", "2h05m", "3d04h" (rounded down) to buf, and returns it. */
const char *duration_text(uint64_t ms, char buf[DURATION_TEXT]);

/* Writes "12,345,678" to buf, and returns it. */
const char *count_text(uint64_t n, char buf[28]);

#endif
