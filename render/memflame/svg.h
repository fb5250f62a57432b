/*
 * svg.h - a tree as a picture: the first view of the page, for documents
 */
#ifndef MEMFLAME_SVG_H
#define MEMFLAME_SVG_H

#include "pack.h"

/*
 * Write an SVG document without scripts: boxes 0.5 pixels wide or wider, each with its
 * figures as its title. Frames that the page hides at first are hidden; those of
 * processes are drawn with page->processes. An error stays with `out`.
 */
void svg_write(const struct tree *t, const struct page *page, FILE *out);

#endif
