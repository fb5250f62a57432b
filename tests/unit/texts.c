/*
 * texts.c - texts, each stored once, at an address that does not change
 */
#include "texts.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MANY 20000

static bool is(const struct texts *t, uint32_t number, const char *text, size_t n)
{
	struct mt_str got = texts_text(t, number);

	return got.n == n && memcmp(got.p, text, n + 1) == 0;
}

static size_t make(char *text, uint32_t i)
{
	return (size_t)sprintf(text, "%u:%0*u", i, 1 + (int)(i % 40), i);
}

/* Texts of all lengths around a machine word; their copies must not move. */
static bool keeps_all(struct texts *t)
{
	static const char *at[MANY];
	char text[80];

	for (uint32_t i = 0; i < MANY; i++) {
		size_t n = make(text, i);
		if (texts_number(t, text, n) != i + 1)
			return false;
		at[i] = texts_text(t, i + 1).p;
	}
	for (uint32_t i = 0; i < MANY; i++) {
		size_t n = make(text, i);
		if (texts_number(t, text, n) != i + 1 || texts_text(t, i + 1).p != at[i] || !is(t, i + 1, text, n))
			return false;
	}
	return texts_count(t) == MANY + 1;
}

/* Texts longer than a chunk, before and after a short one. */
static bool keeps_long(struct texts *t)
{
	size_t n = 1 << 20;
	char *text = calloc(n + 1, 1);
	bool kept = true;

	memset(text, 'a', n);
	uint32_t a = texts_number(t, text, n), short_one = texts_number(t, "s", 1);
	text[n - 1] = 'b';
	uint32_t b = texts_number(t, text, n);
	kept = a != b && is(t, short_one, "s", 1) && is(t, b, text, n) && texts_number(t, text, n) == b;
	text[n - 1] = 'a';
	kept = kept && is(t, a, text, n);
	free(text);
	return kept;
}

int main(void)
{
	struct texts t = { 0 };

	CHECK("a new table has only the empty text", texts_count(&t) == 1 && is(&t, 0, "", 0));
	CHECK("the empty text is always number 0", texts_number(&t, NULL, 0) == 0 && texts_count(&t) == 1);
	CHECK("equal texts are stored once, and do not move", keeps_all(&t));
	CHECK("a text may contain zeros", texts_number(&t, "a\0b", 3) != texts_number(&t, "a\0c", 3) &&
	      is(&t, texts_number(&t, "a\0b", 3), "a\0b", 3));
	CHECK("and may be long", keeps_long(&t));
	CHECK("kept texts are equal by address", texts_keep(&t, "name", 4) == texts_keep(&t, "name;", 4) &&
	      texts_keep(&t, "", 0) == texts_keep(&t, "x", 0));
	texts_clear(&t);
	CHECK("in a cleared table numbers begin again", texts_number(&t, "z", 1) == 1);
	texts_clear(&t);
	return check_done();
}
