/*
 * texts.h - texts that are kept, each once
 */
#ifndef TEXTS_H
#define TEXTS_H

#include <stddef.h>

/* All zero: none. */
struct texts {
	struct text **at;		/* by content */
	size_t n, mask;
};

/* The text that is kept with this content, good until texts_clear(). */
const char *texts_keep(struct texts *t, const char *text);

void texts_clear(struct texts *t);

#endif
