/*
 * texts.c - texts that are kept, each once
 */
#include "texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

struct text { struct text *next; char s[]; };

static uint32_t text_hash(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static void grow(struct texts *t)
{
	size_t old_mask = t->mask;
	struct text **old = t->at;
	t->mask = old ? old_mask * 4 + 3 : 1023;
	t->at = xcalloc(t->mask + 1, sizeof *t->at);
	for (size_t i = 0; old && i <= old_mask; i++)
		for (struct text *x = old[i], *next; x; x = next) {
			next = x->next;
			size_t k = text_hash(x->s) & t->mask;
			x->next = t->at[k];
			t->at[k] = x;
		}
	free(old);
}

const char *texts_keep(struct texts *t, const char *text)
{
	if (!t->at || t->n > t->mask)
		grow(t);
	size_t k = text_hash(text) & t->mask, n = strlen(text) + 1;
	for (struct text *x = t->at[k]; x; x = x->next)
		if (strcmp(x->s, text) == 0)
			return x->s;
	struct text *x = xmalloc(sizeof *x + n);
	memcpy(x->s, text, n);
	x->next = t->at[k];
	t->at[k] = x;
	t->n++;
	return x->s;
}

void texts_clear(struct texts *t)
{
	for (size_t i = 0; t->at && i <= t->mask; i++)
		for (struct text *x = t->at[i], *next; x; x = next) {
			next = x->next;
			free(x);
		}
	free(t->at);
	*t = (struct texts){ 0 };
}
