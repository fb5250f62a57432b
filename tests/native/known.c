/*
 * known.c - one block of 1234 bytes, allocated by small() inlined into alpha(), called by beta(), by main();
 * and one of 1357 by the C library's strdup(), called by main()
 */
#include <stdlib.h>
#include <string.h>
static inline __attribute__((always_inline)) void *small(int n) { return malloc(n); }
__attribute__((noinline)) void *alpha(int n)
{
	void *p = small(n);
	__asm__ volatile("" ::: "memory");
	return p;
}
__attribute__((noinline)) void *beta(int n)
{
	void *p = alpha(n * 2);
	__asm__ volatile("" ::: "memory");
	return p;
}
int main(void)
{
	char text[1357];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	free(beta(617));
	free(strdup(text));
	return text[0] != 'x';
}
