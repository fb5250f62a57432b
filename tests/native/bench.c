/*
 * bench.c - ns per capture at depths 12, 32, 62: unw_backtrace, our walk, our walk with the last one cached
 *
 * Run with native-verify.so preloaded. "5 new": the last walk except its five newest frames.
 */
#include <dlfcn.h>
#include <stdio.h>

static double (*bench)(int how, int n);

static __attribute__((noinline)) double down(int depth, int how)
{
	volatile char room[24];
	room[0] = (char)depth;
	double ns = depth ? down(depth - 1, how) : bench(how, 200000);
	return room[0] == (char)depth ? ns : 0;
}

int main(void)
{
	static const char *const names[] = { "unw_backtrace", "kept", "anew", "5 new" };
	*(void **)&bench = dlsym(RTLD_DEFAULT, "native_bench");
	if (!bench)
		return 2;
	printf("depth");
	for (int how = 0; how < 4; how++)
		printf("\t%s", names[how]);
	for (int depth = 12; depth <= 62; depth += depth == 12 ? 20 : 30) {
		printf("\n%d", depth);
		for (int how = 0; how < 4; how++) {
			double best = 1e9;
			for (int i = 0; i < 5; i++) {
				double ns = down(depth - 6, how);
				if (ns < best)
					best = ns;
			}
			printf("\t%.0f", best);
		}
	}
	printf("\n");
}
