/*
 * known.c - one block of 1234 bytes, taken by small() inlined into alpha(), called by beta(), by main()
 */
#include <stdlib.h>
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
	free(beta(617));
	return 0;
}
