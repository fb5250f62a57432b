/*
 * facts.h - a page's facts and warnings about its recording
 */
#ifndef MEMFLAME_FACTS_H
#define MEMFLAME_FACTS_H

#include "pack.h"

/* Fill the page's facts and warnings. damage: mt_in_error() or mt_in_note(), or NULL. facts_clear() frees them. */
void facts_take(struct page *page, const struct recording *r, const char *damage);
void facts_clear(struct page *page);

#endif
