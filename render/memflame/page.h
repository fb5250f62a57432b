/*
 * page.h - the page around the packed tree: template, style, scripts, and a table for browsers without scripts
 */
#ifndef MEMFLAME_PAGE_H
#define MEMFLAME_PAGE_H

#include "pack.h"

/* Writes the whole document; errors stick to `out`. */
void page_write(const struct tree *t, const struct page *page, FILE *out);

/* Writes text into markup: escaped, and without control characters or changes of direction. */
void page_text(const char *p, size_t n, FILE *out);

#endif
