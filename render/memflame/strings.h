/*
 * strings.h - each text once, by number
 */
#ifndef MEMFLAME_STRINGS_H
#define MEMFLAME_STRINGS_H

#include <stddef.h>
#include <stdint.h>

/* Numbers are given in the order of first sight. Number 0 is the empty text. */
struct strings {
	char *bytes;		/* all texts, joined */
	size_t n_bytes, cap_bytes;
	size_t *end;		/* per text: where it ends in bytes */
	uint32_t count;
	size_t cap;
	uint32_t *slots;	/* open addressing: number + 1; 0 = free */
	size_t n_slots;
};

void strings_init(struct strings *s);
void strings_clear(struct strings *s);
/* The number of these n bytes. Dies without memory. */
uint32_t strings_intern(struct strings *s, const char *p, size_t n);
/* Text of a number: *n bytes, not 0-terminated, valid until the next strings_intern(). */
const char *strings_get(const struct strings *s, uint32_t number, size_t *n);

#endif
