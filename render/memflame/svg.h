/*
 * svg.h - draw the first view of the page as a picture, for documents
 */
#ifndef MEMFLAME_SVG_H
#define MEMFLAME_SVG_H

#include "pack.h"

/*
 * Writes an SVG document without scripts: boxes of at least 0.5 pixels, each with its
 * figures as its title. Frames that the page hides at first are hidden; those of
 * processes are drawn if page->processes is set. Errors stick to `out`.
 */
void svg_write(const struct tree *t, const struct page *page, FILE *out);

#endif
