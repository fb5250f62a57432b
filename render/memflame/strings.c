/*
 * strings.c - each text once, by number
 */
#include "strings.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "xmalloc.h"

static uint64_t hash_bytes(const char *p, size_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ n, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, p, n);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 29;
}

const char *strings_get(const struct strings *s, uint32_t number, size_t *n)
{
	size_t start = number ? s->end[number - 1] : 0;

	*n = s->end[number] - start;
	return s->bytes + start;
}

/* The slot that holds these bytes, or the free one where they belong. */
static uint32_t *find_slot(const struct strings *s, const char *p, size_t n)
{
	for (size_t i = hash_bytes(p, n);; i++) {
		uint32_t *slot = &s->slots[i & (s->n_slots - 1)];
		if (!*slot)
			return slot;
		size_t len;
		const char *text = strings_get(s, *slot - 1, &len);
		if (len == n && memcmp(text, p, n) == 0)
			return slot;
	}
}

static void grow_slots(struct strings *s)
{
	free(s->slots);
	s->n_slots = s->n_slots ? s->n_slots * 2 : 1024;
	s->slots = xcalloc(s->n_slots, sizeof *s->slots);
	for (uint32_t i = 0; i < s->count; i++) {
		size_t n;
		const char *p = strings_get(s, i, &n);
		*find_slot(s, p, n) = i + 1;
	}
}

uint32_t strings_intern(struct strings *s, const char *p, size_t n)
{
	if ((s->count + 1) * (size_t)2 > s->n_slots)
		grow_slots(s);
	uint32_t *slot = find_slot(s, p, n);
	if (*slot)
		return *slot - 1;
	if (s->count == UINT32_MAX - 1)
		die("more than 4 billion different names");

	GROW(s->bytes, s->n_bytes + n, s->cap_bytes);
	memcpy(s->bytes + s->n_bytes, p, n);
	s->n_bytes += n;
	GROW(s->end, s->count, s->cap);
	s->end[s->count] = s->n_bytes;
	return (*slot = ++s->count) - 1;
}

void strings_init(struct strings *s)
{
	*s = (struct strings){ 0 };
	strings_intern(s, "", 0);
}

void strings_clear(struct strings *s)
{
	free(s->bytes);
	free(s->end);
	free(s->slots);
	*s = (struct strings){ 0 };
}
