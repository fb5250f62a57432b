/*
 * check.h - the output of a unit test
 *
 * Each CHECK has one sentence about behaviour and a condition; tests/run
 * reads the lines ("ok SENTENCE", "not ok SENTENCE at FILE:LINE").
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>

static int check_failures;

#define CHECK(sentence, condition) \
	do { \
		bool holds_ = (condition); \
		check_failures += !holds_; \
		if (holds_) \
			printf("ok %s\n", sentence); \
		else \
			printf("not ok %s at %s:%d\n", sentence, __FILE__, __LINE__); \
		fflush(stdout); \
	} while (0)

/* Returns main()'s exit status. */
static inline int check_done(void)
{
	return check_failures != 0;
}

/* Returns random numbers that are the same in every run: splitmix64. */
static inline unsigned long long check_random(unsigned long long *state)
{
	unsigned long long z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
