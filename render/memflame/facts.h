/*
 * facts.h - a page's facts and warnings about its recording
 */
#ifndef MEMFLAME_FACTS_H
#define MEMFLAME_FACTS_H

#include "pack.h"

/* Sets the page's facts and warnings; facts_clear() frees them. damage: mt_in_error()'s or mt_in_note()'s result. */
void facts_take(struct page *page, const struct recording *r, const char *damage);
void facts_clear(struct page *page);

#endif
