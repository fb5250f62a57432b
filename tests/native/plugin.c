/*
 * plugin.c - a library that is loaded and unloaded; N (1, 2) changes the frame size of the same code
 */
#include <stdlib.h>

void *plugin(int depth);

#ifndef N
#define N 1
#endif

static __attribute__((noinline)) void *down(int depth)
{
	volatile char room[N * 48];
	room[0] = (char)depth;
	void *p = depth ? down(depth - 1) : malloc(100 + N);
	return room[0] == (char)depth ? p : NULL;
}

__attribute__((noinline)) void *plugin(int depth)
{
	void *p = down(depth);
	__asm__ volatile("" ::: "memory");
	return p;
}
