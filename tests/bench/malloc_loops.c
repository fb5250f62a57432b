/*
 * malloc_loops.c - threads that do nothing but malloc and free: 256 blocks each, of 16 to 1039 bytes
 *
 * A library called from Python, as memray records only Python programs.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define MAX_THREADS 64

static void *loop(void *n)
{
	void *live[256] = { 0 };
	uint32_t seed = 1;

	for (uintptr_t i = 0; i < (uintptr_t)n; i++) {
		seed = seed * 1664525 + 1013904223;
		unsigned at = seed >> 24;
		free(live[at]);
		live[at] = malloc(16 + (seed >> 8) % 1024);
	}
	for (unsigned i = 0; i < 256; i++)
		free(live[i]);
	return NULL;
}

void run_loops(int n_threads, long n);
void run_loops(int n_threads, long n)
{
	pthread_t threads[MAX_THREADS];
	int made = 0;

	while (made < n_threads && made < MAX_THREADS && pthread_create(&threads[made], NULL, loop, (void *)n) == 0)
		made++;
	for (int i = 0; i < made; i++)
		pthread_join(threads[i], NULL);
}
