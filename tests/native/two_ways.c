/* Deep recursion without allocations, from two lines by turns: only the oldest frames differ at each allocation. */
#include <stdlib.h>

void *volatile kept;
volatile int depth;

static __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) void descend(int n)
{
	if (n == 0) {
		kept = malloc(100);
		free(kept);
	} else {
		descend(n - 1);
	}
	depth++;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20000;
	for (int i = 0; i < 50; i++) {
		descend(n);
		descend(n);
	}
	return 0;
}
