/* (owned by branch pystack; replaced at merge) */
#ifndef PYLINES_H
#define PYLINES_H
#include <stddef.h>
#include <stdint.h>
int py_line(unsigned minor, const uint8_t *table, size_t n, int first_line, int lasti_bytes);
#endif
