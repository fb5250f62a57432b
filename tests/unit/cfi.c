/*
 * cfi.c - the walker against glibc's backtrace(), from calls, callbacks and signal handlers
 *
 * It uses only its own unwind tables, so it can be
 * cross-compiled and run under an emulator.
 */
#include "cfi.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define MOST 256

static int walks, differences;
static volatile sig_atomic_t handled;

static __attribute__((noinline)) int walk(uintptr_t *pc, int most)
{
	struct cfi_frame f = { .pc = 0 };
	struct cfi_bounds bounds;
	enum cfi_step step = CFI_CALLER;
	int n = 0;
	CFI_BEGIN(&f);
	cfi_stack(&bounds, f.sp);
	for (; step != CFI_END && n < most;
	     step = step == CFI_SIGNAL ? cfi_step_slow(&f, &bounds) : cfi_step(&f, &bounds))
		pc[n++] = f.pc;
	return n;
}

/* From this function's caller on both stacks must be equal. */
static __attribute__((noinline)) void compare(void)
{
	uintptr_t ours[MOST];
	void *theirs[MOST];
	int n = walk(ours, MOST), m = backtrace(theirs, MOST), i = 0, k = 0;
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	while (i < n && ours[i] != caller - CFI_CALL_BYTES)
		i++;
	while (k < m && (uintptr_t)theirs[k] != caller)
		k++;
	walks++;
	int frames = 0;
	for (; i < n && k < m; i++, k++, frames++)
		if (ours[i] != (uintptr_t)theirs[k] && ours[i] != (uintptr_t)theirs[k] - CFI_CALL_BYTES)
			break;
	if (frames < 3 || i < n || k < m) {
		differences++;
		fprintf(stderr, "frame %d of %d, %d of %d\n", i, n, k, m);
	}
}

static __attribute__((noinline)) int aligned(int depth);

static __attribute__((noinline)) int down(int depth)
{
	volatile char room[100];
	room[depth % 100] = (char)depth;
	if (depth == 0) {
		compare();
		return room[0];
	}
	return (depth % 3 ? down(depth - 1) : aligned(depth - 1)) + room[depth % 100];
}

static __attribute__((noinline)) int aligned(int depth)
{
	volatile char wide[64] __attribute__((aligned(128)));
	char *p = __builtin_alloca((size_t)depth * 16 + 16);
	memset(p, depth, 16);
	wide[depth % 64] = p[3];
	return down(depth) + wide[depth % 64];
}

static int by_number(const void *a, const void *b)
{
	compare();
	return *(const int *)a - *(const int *)b;
}

static void handler(int sig)
{
	compare();
	handled = sig;	/* no sibling call */
}

static __attribute__((noinline)) int leaf(int n)
{
	return n ? raise(SIGUSR1) + n : 0;
}

int main(void)
{
	int numbers[] = { 3, 1, 2 };
	void *warm[2];
	backtrace(warm, 2);
	for (int depth = 0; depth < 60; depth++)
		down(depth);
	qsort(numbers, 3, sizeof *numbers, by_number);
	signal(SIGUSR1, handler);
	leaf(1);
	CHECK("stacks were walked", walks > 60);
	CHECK("each equals backtrace()'s, through aligned frames, callbacks and a signal handler", differences == 0);
	cfi_flush();
	down(20);
	CHECK("rules dropped from the cache are read again", differences == 0);
	return check_done();
}
