/*
 * index.c - finding entries by content
 */
#include "index.h"

#include <stdlib.h>

#include "check.h"

#define MANY 100000

struct table {
	uint64_t *at;
	uint32_t n;
	struct index index;
	size_t asked;		/* how often an entry was compared */
};

static bool holds(const void *table, uint32_t n, const void *key)
{
	struct table *t = (struct table *)table;

	t->asked++;
	return t->at[n] == *(const uint64_t *)key;
}

static uint32_t put(struct table *t, uint64_t hash, uint64_t key)
{
	uint32_t n = index_put(&t->index, hash, holds, t, &key, t->n);

	if (n == t->n)
		t->at[t->n++] = key;
	return n;
}

static uint32_t find(struct table *t, uint64_t hash, uint64_t key)
{
	return index_find(&t->index, hash, holds, t, &key);
}

static uint64_t far_apart(uint64_t i)
{
	return i * 4096;
}

/* Keys like sizes and addresses: multiples of a number. */
static bool keeps_all(struct table *t)
{
	for (uint64_t i = 0; i < MANY; i++)
		if (find(t, index_hash(far_apart(i), 0), far_apart(i)) != INDEX_NONE ||
		    put(t, index_hash(far_apart(i), 0), far_apart(i)) != i)
			return false;
	for (uint64_t i = MANY; i-- > 0; )
		if (put(t, index_hash(far_apart(i), 0), far_apart(i)) != i ||
		    find(t, index_hash(far_apart(i), 0), far_apart(i)) != i)
			return false;
	return t->n == MANY && find(t, index_hash(1, 0), 1) == INDEX_NONE;
}

/* 1000 entries with one hash, and 1000 with two hashes that give the same slot. */
static bool alike_are_told_apart(struct table *t)
{
	for (int round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 1000; i++)
			if (put(t, UINT64_C(7) << 32, i) != i)
				return false;
	for (int round = 0; round < 2; round++)
		for (uint64_t i = 1000; i < 2000; i++)
			if (put(t, (UINT64_C(1) << 63) + (UINT64_C(7) << 32), i) != i)
				return false;
	return t->n == 2000;
}

/* Consecutive numbers, in pairs. */
static bool hashes_spread(void)
{
	static unsigned char low[1 << 16];
	unsigned taken = 0;

	for (uint64_t a = 0; a < 256; a++)
		for (uint64_t b = 0; b < 256; b++) {
			unsigned char *place = &low[index_hash(a, b) >> 32 & 0xffff];
			taken += !*place;
			*place = 1;
		}
	/* Random hashes of 65,536 entries would use 41,427 of 65,536 slots. */
	return taken > 41000;
}

static bool bytes_count(void)
{
	char text[40] = { 0 };

	for (size_t n = 0; n < sizeof text; n++)
		for (size_t m = n + 1; m < sizeof text; m++)
			if (index_hash_bytes(text, n) == index_hash_bytes(text, m))
				return false;
	for (size_t i = 0; i < sizeof text; i++) {
		uint64_t before = index_hash_bytes(text, sizeof text);
		text[i] = 'x';
		if (index_hash_bytes(text, sizeof text) == before)
			return false;
	}
	return true;
}

int main(void)
{
	struct table t = { .at = calloc(MANY + 2000, sizeof *t.at) };

	CHECK("a new index is empty", find(&t, 1, 1) == INDEX_NONE);
	CHECK("entries are found with their numbers, and nothing else is", keeps_all(&t));
	CHECK("an entry is compared only if its hash equals the key's", t.asked < 3 * MANY + 100);
	CHECK("between a quarter and half of the slots are used", t.index.used == MANY &&
	      t.index.cap >= 2 * MANY && t.index.cap <= 4 * MANY);
	index_clear(&t.index);
	t.n = 0;
	CHECK("a cleared index is empty", find(&t, index_hash(0, 0), 0) == INDEX_NONE);
	CHECK("equal hashes do not make keys equal", alike_are_told_apart(&t));
	index_clear(&t.index);
	CHECK("hashes of small numbers spread", hashes_spread());
	CHECK("a hash depends on each byte of a text, and on its length", bytes_count());
	free(t.at);
	return check_done();
}
