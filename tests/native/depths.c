/*
 * depths.c - frames found by the frame pointer, and stale return addresses
 *
 * Each round reaches one function, at one place of the stack, by another path: the
 * stack that the outer function uses is not used by the inner one. So the return
 * addresses of earlier rounds are still on the stack, and are not this round's. Also
 * frames that do not use the frame pointer, with another value in it each time.
 */
#include <alloca.h>
#include <stdlib.h>

#define AWAY __attribute__((noinline, noclone))

volatile size_t sink;
void *volatile kept;

AWAY void allocates(void)
{
	kept = malloc(24);
	free(kept);
	sink++;
}

/* Saves the frame pointer; the function above does not change it. */
AWAY __attribute__((optimize("no-omit-frame-pointer"))) void allocates_with_frame(void)
{
	allocates();
	sink++;
}

AWAY void inner(size_t n, int way)
{
	volatile char *p = alloca(n);
	p[0] = (char)way;
	way & 1 ? allocates() : allocates_with_frame();
	sink += (size_t)p[0];
}

#define OUTER(name) \
	AWAY void name(size_t n, size_t rest, int way) \
	{ \
		volatile char *p = alloca(n); \
		p[0] = (char)way; \
		inner(rest, way); \
		sink += (size_t)p[0]; \
	}
OUTER(outer_one)
OUTER(outer_two)
OUTER(outer_three)

/* Its caller's frame pointer is a number here. */
AWAY void counted(size_t i, void (*call)(void))
{
	register size_t number __asm__("rbp") = i * 12345;
	__asm__ volatile("" : "+r"(number));
	call();
	__asm__ volatile("" : "+r"(number));
	sink += number;
}

int main(void)
{
	static void (*const outer[])(size_t, size_t, int) = { outer_one, outer_two, outer_three };
	for (int i = 0; i < 30000; i++) {
		size_t n = 16 + (size_t)rand() % 64 * 16;
		outer[rand() % 3](n, 2048 - n, rand());
		if (i % 3 == 0)
			counted((size_t)i, i % 2 ? allocates : allocates_with_frame);
	}
	return 0;
}
