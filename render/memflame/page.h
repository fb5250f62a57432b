/*
 * page.h - the page around the packed tree: template, style, scripts, and a table for who has no scripts
 */
#ifndef MEMFLAME_PAGE_H
#define MEMFLAME_PAGE_H

#include "pack.h"

/* Write the whole document; an error stays with `out`. The tree can only be cleared afterwards. */
void page_write(const struct tree *t, const struct page *page, FILE *out);

/* A text where markup is read: as text, and without what turns or steers those around it. */
void page_text(const char *p, size_t n, FILE *out);

#endif
